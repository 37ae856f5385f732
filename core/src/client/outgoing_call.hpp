// A call on its way through the client's middleware.
#pragma once

#include "client/client_core.hpp"
#include "waybill/detail/exchange.hpp"

#include <asio/cancellation_signal.hpp>

#include <memory>
#include <optional>

namespace waybill::detail {

/// Owns all that is sent, so that a middleware may send it again.
class OutgoingCall final : public ContextSource, public std::enable_shared_from_this<OutgoingCall> {
 public:
  OutgoingCall(std::shared_ptr<ClientCore> core, PacketKind kind, const Pattern& pattern, Slice payload,
               const CallOptions& options, std::shared_ptr<RemoteCall> remote);

  /// Runs the chain, then the call; the waiter is told through the mailbox, at the latest at the deadline. Whatever ends
  /// the call cancels what the chain awaits.
  static void start(const std::shared_ptr<OutgoingCall>& self);

  Context::Side side() const noexcept override { return Context::Side::client; }
  const Packet& packet() const noexcept override { return packet_; }
  const Headers& headers() override { return options_.headers; }
  void set_header(std::string_view name, std::string_view value) override { options_.headers.set(name, value); }
  std::optional<std::chrono::steady_clock::time_point> deadline() override { return deadline_; }
  void set_deadline(std::chrono::steady_clock::time_point deadline) override;
  int attempt() const noexcept override { return attempt_; }
  bool is_redelivered() const noexcept override { return false; }
  bool is_connected() const override { return true; }
  void settle(Settlement) override {}
  const asio::any_io_executor& executor() const noexcept override { return core_->executor().get(); }
  const Log& log() const noexcept override { return core_->log(); }

 private:
  static asio::awaitable<void> run(std::shared_ptr<OutgoingCall> self);
  /// Ended from outside: by the deadline, by its caller, by close().
  void stop(const Error& error);
  asio::awaitable<Result<void>> step(std::size_t index);
  asio::awaitable<Result<void>> send_once();
  void note_failure(const Error& error);
  void tell(const ReplyEvent& event);

  std::shared_ptr<ClientCore> core_;
  Pattern pattern_;
  Packet packet_;
  CallOptions options_;
  std::shared_ptr<RemoteCall> remote_;
  TimePoint deadline_;
  CallKey key_;  ///< Of the whole, while attempts have keys of their own.
  CallKey attempt_key_;
  asio::cancellation_signal cancel_;
  std::optional<Error> last_error_;  ///< Of an attempt.
  bool perhaps_taken_ = false;       ///< By an attempt that has ended.
  bool is_over_ = false;
  int attempt_ = 0;
  bool has_values_ = false;
};

}  // namespace waybill::detail
