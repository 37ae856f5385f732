// An executor that never runs two handlers at once, and the question whether this code runs on it.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>

#include <optional>
#include <typeinfo>

namespace waybill::detail {

/// The executor as what it is; null if it is something else. Before 1.26 Asio's own target<T>() does not look: it takes
/// every executor for a T.
template <class T>
const T* executor_as(const asio::any_io_executor& executor) noexcept {
  return executor.target_type() == typeid(T) ? executor.target<T>() : nullptr;
}

/// Made from what the host has. An io_context is taken as it is (one thread runs it: Asio's own rule for its objects);
/// so are strands. Anything else, a thread pool for instance, is put behind a strand of our own.
class SerialExecutor {
 public:
  explicit SerialExecutor(asio::any_io_executor executor) : executor_(std::move(executor)) {
    if (const auto* loop = executor_as<Loop>(executor_)) {
      loop_ = *loop;
    } else if (const auto* strand = executor_as<LoopStrand>(executor_)) {
      loop_strand_ = *strand;
    } else {
      if (!executor_as<AnyStrand>(executor_)) executor_ = asio::make_strand(executor_);
      any_strand_ = *executor_as<AnyStrand>(executor_);
    }
  }

  const asio::any_io_executor& get() const noexcept { return executor_; }

  /// True when the calling code runs on this executor: state that belongs to it may be touched.
  bool runs_here() const noexcept {
    if (loop_) return loop_->running_in_this_thread();
    return loop_strand_ ? loop_strand_->running_in_this_thread() : any_strand_->running_in_this_thread();
  }

 private:
  using Loop = asio::io_context::executor_type;
  using LoopStrand = asio::strand<Loop>;
  using AnyStrand = asio::strand<asio::any_io_executor>;
  asio::any_io_executor executor_;
  // Which of them it is: asked for each call, so the type is found out once.
  std::optional<Loop> loop_;
  std::optional<LoopStrand> loop_strand_;
  std::optional<AnyStrand> any_strand_;
};

}  // namespace waybill::detail
