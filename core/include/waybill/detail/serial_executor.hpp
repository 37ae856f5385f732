// An executor that never runs two handlers at once, and the question whether this code runs on it.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>

namespace waybill::detail {

/// Made from what the host has. An io_context is taken as it is (one thread runs it: Asio's own rule for its objects);
/// so are strands. Anything else, a thread pool for instance, is put behind a strand of our own.
class SerialExecutor {
 public:
  explicit SerialExecutor(asio::any_io_executor executor) : executor_(std::move(executor)) {
    if (executor_.target<Loop>()) {
      kind_ = Kind::loop;
    } else if (executor_.target<LoopStrand>()) {
      kind_ = Kind::loop_strand;
    } else if (!executor_.target<AnyStrand>()) {
      executor_ = asio::make_strand(executor_);
    }
  }

  const asio::any_io_executor& get() const noexcept { return executor_; }

  /// True when the calling code runs on this executor: state that belongs to it may be touched.
  bool runs_here() const noexcept {
    switch (kind_) {
      case Kind::loop: return executor_.target<Loop>()->running_in_this_thread();
      case Kind::loop_strand: return executor_.target<LoopStrand>()->running_in_this_thread();
      case Kind::any_strand: break;
    }
    return executor_.target<AnyStrand>()->running_in_this_thread();
  }

 private:
  using Loop = asio::io_context::executor_type;
  using LoopStrand = asio::strand<Loop>;
  using AnyStrand = asio::strand<asio::any_io_executor>;
  enum class Kind { loop, loop_strand, any_strand };
  asio::any_io_executor executor_;
  Kind kind_ = Kind::any_strand;
};

}  // namespace waybill::detail
