// A call on its way through the client's middleware.
#pragma once

#include "client/client_core.hpp"
#include "waybill/context.hpp"
#include "waybill/middleware.hpp"

#include <asio/cancellation_signal.hpp>

#include <memory>
#include <optional>

namespace waybill::detail {

/// The context of a client's middleware. Owns all that is sent, so that a middleware may send it again: each attempt is a call
/// of its own, and what it brings is told to the waiter of the whole.
class CallChain final : public Context, public Chain, public std::enable_shared_from_this<CallChain> {
 public:
  CallChain(std::shared_ptr<ClientCore> core, const Packet& packet, const CallLimits& limits);

  /// Opens the call and runs the chain. Whatever ends the call cancels what the chain awaits.
  static CallKey start(std::shared_ptr<ClientCore> core, const Packet& packet, const CallLimits& limits);
  /// The call is ended from outside: by the deadline, by its caller, by close(). Gives what its waiter is told.
  Error stop(const Error& error);

  Side side() const noexcept override { return Side::client; }
  const Packet& packet() const noexcept override { return packet_; }
  const Headers& headers() const override { return packet_.headers; }
  void set_header(std::string_view name, std::string_view value) override { packet_.headers.set(name, value); }
  TraceContext trace() const override { return TraceContext::of(packet_.headers); }
  void set_trace(TraceContext trace) override { trace.write_to(packet_.headers); }
  std::optional<TimePoint> deadline() const override { return deadline_; }
  void set_deadline(TimePoint deadline) override;
  int attempt() const noexcept override { return attempt_; }
  const asio::any_io_executor& executor() const noexcept override { return core_->executor().get(); }
  const Log& log() const noexcept override { return core_->log(); }

  asio::awaitable<Result<void>> run_from(std::size_t place) override;

 private:
  static asio::awaitable<void> run(std::shared_ptr<CallChain> self);
  static asio::awaitable<Result<void>> send_once(std::shared_ptr<CallChain> self);
  void note_failure(const Error& error);

  std::shared_ptr<ClientCore> core_;
  Packet packet_;
  bool is_idempotent_;
  TimePoint deadline_;
  CallKey key_;  ///< Of the whole, while attempts have keys of their own.
  CallKey attempt_key_;
  asio::cancellation_signal cancel_;
  std::optional<Error> last_error_;  ///< Of an attempt.
  bool perhaps_taken_ = false;       ///< By an attempt that has ended.
  bool is_over_ = false;
  int attempt_ = 0;
  bool has_values_ = false;
  Result<void> end_of_values_ = cancelled_error(End::unknown);  ///< Of the attempt that brought them.
};

}  // namespace waybill::detail
