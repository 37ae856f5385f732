// Drives a handler's Stream<T>: sends what it yields, awaits what it awaits.
#pragma once

#include "service/exchange.hpp"
#include "waybill/stream.hpp"
#include "waybill/time.hpp"

#include <asio/cancellation_signal.hpp>

#include <memory>

namespace waybill::detail {

/// One stream on its way. Everything it waits for is awaited by go_on(), in whose frame (and its callers') the stream, its
/// handler's argument and context live: none of them can end before what refers to them.
///
/// A value is held back until the stream has taken its next step, so that the last one can be marked as such, as NestJS
/// does: a stream that ends right after a value needs no packet of its own for its end.
///
/// Threads: the handler's.
class StreamRun : public std::enable_shared_from_this<StreamRun> {
 public:
  StreamRun(Exchange& exchange, StreamRoutine stream);

  /// Sends what the stream yields, as fast as it yields and the caller takes; throws what leaves it. A caller that has gone
  /// is an end like any other; a service that shuts down ends it after a while, with an error. When it is cancelled, what the
  /// stream awaits is cancelled; throws Error(cancelled).
  /// The stream has ended and is destroyed when this completes.
  static asio::awaitable<void> run(std::shared_ptr<StreamRun> self);

 private:
  /// What is to be done next.
  enum class State {
    ready,     ///< Resume the stream.
    awaiting,  ///< Await what it awaits.
    held_up,   ///< Its caller takes nothing for now: look again after a pause.
    yielding,  ///< It never waits: let others have their turn.
    ended,     ///< Nothing.
  };
  void pump();
  void take(StreamRoutine::Step step);
  void send_held(bool last);
  asio::awaitable<void> go_on();
  asio::awaitable<void> go_on_until_stopped();
  void watch_caller();
  /// The service is shutting down and has waited long enough for it.
  bool must_end() const noexcept;
  [[noreturn]] void end_early();

  Exchange& exchange_;
  StreamRoutine stream_;
  State state_ = State::ready;
  Buffer held_;
  bool has_held_ = false;
  bool is_caller_gone_ = false;
  unsigned steps_ = 0;
  asio::cancellation_signal stop_;  ///< Cancels what go_on() awaits.
  Timer watch_;
};

}  // namespace waybill::detail
