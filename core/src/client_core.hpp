// The compiled half of Client: one connection, its pending calls, its outbox while there is no link.
#pragma once

#include "link_log.hpp"
#include "pending_calls.hpp"
#include "reconnect.hpp"
#include "unconfirmed.hpp"
#include "waybill/client.hpp"

#include <asio/steady_timer.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

namespace waybill::detail {

/// Counters that any thread may read; written on one.
struct ClientCounters {
  std::atomic<std::uint64_t> requests{0}, events{0}, timeouts{0}, failed{0}, late_replies{0}, reconnects{0}, waiting{0};
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static void subtract(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept { add(counter, 0 - n); }
};

/// A call that was made off the client's executor, or that goes through middleware: its mailbox is filled on the
/// executor, and its waiter gets there by a post.
struct RemoteCall {
  CallKey key;
  Mailbox mailbox;
  std::function<void()> cancel;  // set on the executor
  bool is_cancelled = false;
};

Error closed_error(End end = End::rejected);

/// Threads: all members run on the executor, except where they say otherwise.
class ClientCore final : public std::enable_shared_from_this<ClientCore>,
                         public ConnectionSink,
                         public Reconnect::Host {
 public:
  ClientCore(asio::any_io_executor executor, const ClientConfig& config, std::shared_ptr<const Registry> registry,
             Log log);
  ~ClientCore();

  const SerialExecutor& executor() const noexcept { return executor_; }
  const Serializer& serializer() const noexcept { return *serializer_; }
  const Log& log() const noexcept { return log_; }
  std::chrono::milliseconds default_timeout() const noexcept { return config_.timeout; }

  /// A packet whose payload is in the client's format. The packet is taken before it returns.
  struct Outgoing {
    PacketKind kind;
    const Pattern& pattern;
    Slice payload;
    const CallOptions& options;
  };
  /// Sends, or keeps it until there is a link. The call is open unless the result says otherwise.
  Result<CallKey> send(const Outgoing& outgoing);
  void send_and_forget(const Outgoing& outgoing);
  PendingCalls& calls() noexcept { return calls_; }
  void cancel(CallKey key);
  /// Nobody waits for it any more; its reply will be dropped.
  void abandon(CallKey key);
  void note_forgotten_failure(const Error& error);
  /// Stops reading replies for some milliseconds at most, so that the reader of a long reply can catch up; a reader
  /// that waits for another call of this client is not kept waiting.
  void pause_replies();
  void resume_replies();
  void connect_then(UniqueFunction<void(Result<void>)> done);
  void flush_then(UniqueFunction<void(Result<void>)> done);
  void close();

  std::vector<Middleware> middleware;  ///< Set before the first call.
  MetricSink metrics;                  ///< The same.
  ClientCounters counters;
  std::atomic<Status> status{Status::idle};
  const Capabilities& capabilities() const noexcept { return transport_->capabilities(); }
  std::string describe() const;
  /// What a body is encoded into before it is sent; the executor's alone.
  Buffer& scratch() noexcept { return scratch_; }

  void on_reply(const Packet& packet) override;
  void on_sent(Ticket ticket, Result<Accepted> outcome) override;
  void on_lost(const Error& error) override;
  void on_blocked(std::string_view reason) override;
  asio::awaitable<Result<void>> open_link() override;
  void on_link_ready() override;
  void on_link_lost(const Error& error) override;
  void on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) override;

 private:
  struct Queued {
    Packet packet;
    Ticket ticket;
    CallKey key;
    TimePoint give_up;
  };
  void fill(Packet& packet, const Outgoing& outgoing, std::chrono::milliseconds timeout) const;
  /// To the link if there is one; else kept for it.
  Result<void> pass_on(const Packet& packet, Ticket ticket, CallKey key);
  Result<void> keep_for_link(const Packet& packet, Ticket ticket, CallKey key);
  /// To the link; an event that the broker will confirm is kept until then. REQUIRES: ready_.
  void transmit(const Packet& packet, Ticket ticket, CallKey key);
  void send_unconfirmed_again();
  void send_queued();
  void fail_queued(const Error& error);
  void end_connect_waits(const Error& error);
  asio::awaitable<Result<void>> flush();
  void arm_deadline(TimePoint deadline);
  void on_deadline();
  void end(CallKey key, const Error& error);

  SerialExecutor executor_;
  ClientConfig config_;
  std::shared_ptr<const Registry> registry_;
  Log log_;
  std::unique_ptr<Transport> transport_;
  Capabilities can_;
  // What each call touches stands together: programs have hundreds of clients, and their caches are small.
  const Serializer* serializer_ = nullptr;
  std::unique_ptr<Connection> connection_;
  bool keeps_events_ = false;  ///< Until they are confirmed.
  bool ready_ = false;
  bool was_ready_ = false;
  bool closed_ = false;
  TimePoint armed_for_ = TimePoint::max();
  PendingCalls calls_;
  Buffer scratch_;
  Unconfirmed unconfirmed_;
  std::shared_ptr<Reconnect> reconnect_;
  std::deque<Queued> queued_;
  std::size_t queued_bytes_ = 0;
  std::vector<UniqueFunction<void(Result<void>)>> connect_waiters_;
  TimePoint connect_give_up_ = TimePoint::max();
  std::optional<Error> last_failure_;
  LinkLog link_log_;
  asio::steady_timer deadline_timer_;
  asio::steady_timer pause_timer_;
  asio::steady_timer confirmed_;  ///< Cancelled when nothing is unconfirmed any more.
  bool paused_ = false;
  TimePoint last_complaint_{};
  std::uint64_t forgotten_failures_ = 0;
};

}  // namespace waybill::detail
