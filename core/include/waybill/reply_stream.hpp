// ReplyStream<T>: the values of one reply, read one after the other.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/completion.hpp"
#include "waybill/detail/typed_call.hpp"

#include <asio/async_result.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace waybill {

namespace detail {

/// Values that have come and the one reader that may wait. Keeps packets, decodes when they are asked for.
class ReplyQueue {
 public:
  explicit ReplyQueue(Call call);
  ~ReplyQueue();
  using Reader = UniqueFunction<void(const ReplyEvent&)>;
  /// Tells the next event; the final one again and again. Thread-safe; one reader at a time.
  void read(std::uint64_t number, Reader reader);
  /// What ends the read of that number with errc::cancelled, if it still waits; no value is lost. Thread-safe.
  UniqueFunction<void()> read_canceller(std::uint64_t number) const;
  std::uint64_t next_read() noexcept { return ++reads_; }
  void cancel();
  const SerialExecutor& executor() const noexcept;

 private:
  struct State;
  struct Feed;
  std::shared_ptr<State> state_;
  std::uint64_t reads_ = 0;
};

/// A null together with the end, which some carriers have no other form for.
bool is_closing_null(const Packet& packet);

}  // namespace detail

/// Move-only. Destroyed before the end it cancels the rest of the reply.
template <class T>
class ReplyStream {
 public:
  explicit ReplyStream(detail::Call call) : queue_(std::make_unique<detail::ReplyQueue>(std::move(call))) {}

  /// Completes with Result<std::optional<T>>: a value, or nothing after the last one. Throws (or gives) the Error that
  /// ended the reply, each time that it is called after that. One call at a time. Cancelled (`co_await (stream.next() || timer)`), it ends with errc::cancelled
  /// and the stream goes on: the value comes to the next call.
  template <class Token = asio::use_awaitable_t<>>
  auto next(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<std::optional<T>>)>(
        [queue = queue_.get()](auto handler) {
          using Completion = detail::UniqueFunction<void(Result<std::optional<T>>)>;
          const std::uint64_t number = queue->next_read();
          auto slot = asio::get_associated_cancellation_slot(handler);
          if (slot.is_connected()) {
            slot.assign([cancel = queue->read_canceller(number)](asio::cancellation_type) mutable { cancel(); });
          }
          using Clearing = detail::SlotClearing<decltype(handler)>;
          Completion done =
              detail::make_completion<std::optional<T>>(Clearing{{std::move(handler)}}, queue->executor().get());
          queue->read(number,
                      [done = std::move(done)](const detail::ReplyEvent& event) mutable { done(outcome(event)); });
        },
        token);
  }
  /// Ends the stream: its values are not wanted any more. Thread-safe.
  void cancel() { queue_->cancel(); }

 private:
  static Result<std::optional<T>> outcome(const detail::ReplyEvent& event) {
    if (event.error) return *event.error;
    if (!event.packet || event.packet->kind == PacketKind::end) return std::optional<T>();
    Result<T> value = detail::outcome_of<T>(event);
    if (!value && detail::is_closing_null(*event.packet)) return std::optional<T>();  // and T has no null
    if (!value) return value.error();
    return std::optional<T>(*std::move(value));
  }
  std::unique_ptr<detail::ReplyQueue> queue_;
};

}  // namespace waybill
