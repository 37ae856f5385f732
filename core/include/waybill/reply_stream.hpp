// ReplyStream<T>: the values of one reply, read one after the other.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/completion.hpp"
#include "waybill/detail/typed_call.hpp"

#include <asio/async_result.hpp>
#include <asio/use_awaitable.hpp>

#include <memory>
#include <optional>

namespace waybill {

namespace detail {

/// Values that have come and the one reader that may wait. Keeps packets, decodes when they are asked for.
class ReplyQueue {
 public:
  explicit ReplyQueue(CallRef call);
  ~ReplyQueue();
  using Reader = UniqueFunction<void(const ReplyEvent&)>;
  /// Tells the next event, once; after the final one an end again and again. Thread-safe; one reader at a time.
  void read(Reader reader);
  void cancel();
  const SerialExecutor& executor() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A null together with the end, which some carriers have no other form for.
bool is_closing_null(const Packet& packet);

}  // namespace detail

/// Move-only. Destroyed before the end it cancels the rest of the reply.
template <class T>
class ReplyStream {
 public:
  explicit ReplyStream(detail::CallRef call) : queue_(std::make_unique<detail::ReplyQueue>(std::move(call))) {}

  /// Completes with Result<std::optional<T>>: a value, or nothing after the last one. Throws (or gives) the Error that
  /// ended the reply. One call at a time.
  template <class Token = asio::use_awaitable_t<>>
  auto next(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<std::optional<T>>)>(
        [queue = queue_.get()](auto handler) {
          using Completion = detail::UniqueFunction<void(Result<std::optional<T>>)>;
          Completion done = detail::make_completion<std::optional<T>>(std::move(handler), queue->executor().get());
          queue->read([done = std::move(done)](const detail::ReplyEvent& event) mutable { done(outcome(event)); });
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
