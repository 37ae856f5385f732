// One delivery being handled: the context of its handler.
#pragma once

#include "waybill/detail/handler.hpp"
#include "waybill/transport/transport.hpp"

#include <atomic>
#include <memory>
#include <optional>

namespace waybill::detail {

class ListenerHost;

/// Appends what a handler returned. An empty Payload is JavaScript's undefined: nothing is appended for it.
/// Throws Error(payload_mismatch, too_large).
void encode_result(const Serializer& serializer, ValueRef value, Buffer& out);

/// A delivery on its way through its handler. On the stack for handlers that return at once, on the heap for others.
///
/// Threads: one at a time, on executor(). Where that is not the listener's, replies and settlements travel there by
///          themselves.
class Exchange final : public Invocation {
 public:
  /// Handled on `executor`, which outlives it.
  Exchange(Delivery& delivery, ListenerHost& host, const asio::any_io_executor& executor) noexcept
      : delivery_(delivery), host_(host), executor_(executor) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() = default;

  void decode(ValueOut out) const override;
  Payload argument(Keep keep) const override;
  void reply(ValueRef value) override;
  void reply_end() override;
  asio::awaitable<void> reply_all(StreamRoutine stream) override;
  /// Sends one value; `last` ends the reply.
  void reply_encoded(const Slice& value, bool last);
  void reply_error(const Error& error);
  /// True once anything was sent: handling it again would answer it again.
  bool has_answered() const noexcept { return has_answered_; }

  /// The reply of the first of several event handlers that answer one request is kept here instead of being sent.
  void collect_into(Buffer* collected) noexcept { collected_ = collected; }
  /// For exchanges on another executor than the listener's: `self` keeps the delivery alive on the way there.
  void travel_as(std::weak_ptr<Exchange> self);
  /// Calls `work` with this exchange on the listener's loop: now, if it is handled there; else soon.
  template <class Work>
  void on_loop(Work work);
  bool is_on_loop() const noexcept { return !far_side_; }

  bool wants_reply() const noexcept { return delivery_.packet.kind == PacketKind::request; }
  Delivery& delivery() noexcept { return delivery_; }
  ListenerHost& host() const noexcept { return host_; }

  Context::Side side() const noexcept override { return Context::Side::service; }
  const Packet& packet() const noexcept override { return delivery_.packet; }
  const Headers& headers() const override;
  void set_header(std::string_view name, std::string_view value) override;
  TraceContext trace() const override;
  void set_trace(TraceContext trace) override { extras().trace = std::move(trace); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override;
  void set_deadline(std::chrono::steady_clock::time_point deadline) override { deadline_ = deadline; }
  int attempt() const noexcept override { return delivery_.attempt; }
  bool is_redelivered() const noexcept override { return delivery_.redelivered; }
  bool is_caller_connected() const override;
  bool is_congested() const;
  void ack() override { settle(Settlement::ack); }
  void retry() override { settle(Settlement::retry); }
  void reject() override { settle(Settlement::reject); }
  void leave() override { is_left_ = true; }
  bool is_given_back() const noexcept override { return is_left_ || is_rejected_ || wants_retry_; }
  /// The handler wants the delivery to be given up, and has not settled it before.
  bool is_rejected() const noexcept { return is_rejected_; }
  /// The handler wants the delivery to stay unsettled.
  bool is_left() const noexcept { return is_left_; }
  const asio::any_io_executor& executor() const noexcept override { return executor_; }
  const Log& log() const noexcept override;

  void settle(Settlement settlement);

 private:
  /// What a handler elsewhere knows of the listener's link, as of the last word from its loop.
  struct FarSide {
    std::atomic<int> on_the_way{0};  ///< Replies that the loop has not sent yet.
    std::atomic<bool> is_congested{false};
    std::atomic<bool> is_connected{true};
    std::atomic<bool> is_asked{false};
  };
  /// What few messages have.
  struct Extras {
    std::optional<Headers> from_metadata;  // made when somebody asks
    std::optional<Headers> of_reply;
    std::optional<TraceContext> trace;
    std::optional<Log> log;  // the same, where it makes a difference what lines are about
  };
  Extras& extras() const {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  const Headers& headers_from_metadata() const;
  void send(Packet& packet);
  void look_at_link();  ///< On the listener's loop.
  void ask_far_side() const;
  Delivery& delivery_;
  ListenerHost& host_;
  const asio::any_io_executor& executor_;
  Buffer* collected_ = nullptr;
  bool is_left_ = false;
  bool is_rejected_ = false;
  bool is_acked_ = false;
  bool wants_retry_ = false;
  bool has_answered_ = false;
  std::weak_ptr<Exchange> self_;
  std::unique_ptr<FarSide> far_side_;  // null: handled on the listener's loop
  mutable std::unique_ptr<Extras> extras_;
  mutable std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace waybill::detail
