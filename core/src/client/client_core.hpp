// The compiled half of Client: one connection, its pending calls, its outbox while there is no link.
#pragma once

#include "client/flushes.hpp"
#include "client/outbox.hpp"
#include "client/pending_calls.hpp"
#include "client/read_pause.hpp"
#include "client/unconfirmed.hpp"
#include "link/context_end.hpp"
#include "link/link_log.hpp"
#include "link/reconnect.hpp"
#include "link/sole_thread.hpp"
#include "read_clock.hpp"
#include "waybill/client.hpp"
#include "waybill/time.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace waybill::detail {

/// Counters that any thread may read; written on one.
struct ClientCounters {
  std::atomic<std::uint64_t> requests{0}, events{0}, timeouts{0}, failed{0}, late_replies{0}, reconnects{0};
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

/// What one call may take, and may be done with it.
struct CallLimits {
  std::chrono::milliseconds timeout;
  bool is_idempotent = false;
};

class CallChain;

Error closed_error(End end = End::rejected);
Error cancelled_error(End end);

/// Threads: all members run on the executor, except where they say otherwise.
class ClientCore final : public std::enable_shared_from_this<ClientCore>,
                         public ConnectionSink,
                         private PendingCalls::EndSink,
                         public ContextEnd::Guest,
                         public Reconnect::Host {
 public:
  ClientCore(asio::any_io_executor executor, const ClientConfig& config, std::shared_ptr<const Registry> registry,
             Log log);
  ~ClientCore();

  const SerialExecutor& executor() const noexcept { return executor_; }
  const Serializer& serializer() const noexcept { return *serializer_; }
  const Log& log() const noexcept { return log_; }
  TimePoint coarse_now() const { return clock_.coarse(); }
  std::chrono::milliseconds default_timeout() const noexcept { return config_.timeout; }

  /// Begins a call: through the middleware, where there is some, or straight to send(). The packet is borrowed, its payload
  /// in the client's format. The call is open, and may have ended: its waiter is told when it is attached.
  CallKey start(Packet& packet, const CallLimits& limits);
  void start_and_forget(Packet& packet, const CallLimits& limits);
  enum class Part {
    whole,
    attempt,  ///< Of a call that goes through middleware, which is the one that counts.
  };
  /// Sends, or keeps it until there is a link.
  CallKey send(Packet& packet, std::chrono::milliseconds timeout, Part part = Part::whole);
  /// A call that ends before it is sent.
  CallKey refuse(Packet& packet, const Error& why);
  PendingCalls& calls() noexcept { return calls_; }
  const PendingCalls& calls() const noexcept { return calls_; }
  /// A call that goes through middleware: it ends when its chain does, at its deadline, when it is cancelled and when the
  /// client is closed.
  CallKey open_chained(Packet& packet, std::chrono::milliseconds timeout, const std::shared_ptr<CallChain>& chain);
  /// The chain of the call has come to its end; an error ends the call.
  void finish_chain(CallKey key, const Result<void>& outcome);
  void move_deadline(CallKey key, TimePoint deadline);
  void cancel(CallKey key);
  /// Nobody waits for it any more; its reply will be dropped.
  void abandon(CallKey key);
  void note_forgotten_failure(const Error& error);
  /// Stops reading replies for some milliseconds at most, so that the reader of a long reply can catch up; a reader
  /// that waits for another call of this client is not kept waiting.
  void pause_replies();
  void resume_replies();
  using Done = UniqueFunction<void(Result<void>)>;
  WaitId next_wait() noexcept { return last_wait_.fetch_add(1, std::memory_order_relaxed) + 1; }  ///< Any thread.
  void connect_then(WaitId id, Done done);
  void flush_then(WaitId id, Done done);
  /// Ends the wait with errc::cancelled, if it still waits.
  void cancel_wait(WaitId id);
  void close();
  void observe(std::shared_ptr<Observer> observer);  ///< Before the first call.
  /// Tells the observer of the call that it is sent again.
  void tell_repeated(CallKey key, int attempt, const Error& why);
  /// Throws Error(invalid_config) once something was sent: `what` must come before.
  void require_unused(std::string_view what) const;

  std::vector<Middleware> middleware;  ///< Set before the first call.
  MetricSink metrics;                  ///< The same.
  ClientCounters counters;
  std::atomic<Status> status{Status::idle};
  ClientState state() const;                ///< Thread-safe.
  std::atomic<bool> used_elsewhere{false};  ///< A call was made, and is not counted yet.
  const Capabilities& capabilities() const noexcept { return transport_->capabilities(); }
  std::string describe() const;
  /// What a body is encoded into before it is sent; the executor's alone.
  Buffer& scratch() noexcept { return scratch_; }

  void context_ends() noexcept override;
  void on_reply(const Packet& packet) override;
  void on_sent(Ticket ticket, Result<Accepted> outcome) override;
  void on_lost(const Error& error) override;
  void on_blocked(std::string_view reason) override;
  void on_hindered(std::string_view reason) override;
  asio::awaitable<Result<void>> open_link() override;
  void on_link_ready() override;
  void on_link_lost(const Error& error) override;
  void on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) override;

 private:
  void call_ended(CallKey key, const ReplyEvent& event) noexcept override;
  struct ConnectWait {
    WaitId id;
    TimePoint give_up;
    Done done;
  };

  CallKey open(Packet& packet, std::chrono::milliseconds timeout, TimePoint deadline, Stage stage, Part part);
  /// Nobody wants what is still to come of its reply. REQUIRES for both: the call is open.
  void leave(CallKey key);
  /// Tells the link, if that may still have replies for the call.
  void forget(CallKey key);
  void set_deadline(Packet& packet, std::chrono::milliseconds left) const;
  /// To the link if there is one that takes it; else kept for it.
  Result<void> pass_on(const Packet& packet, Ticket ticket, CallKey key);
  Result<void> keep_for_link(const Packet& packet, Ticket ticket, CallKey key);
  /// To the link; an event that the broker will confirm is kept until then. REQUIRES: ready_.
  Result<void> transmit(const Packet& packet, Ticket ticket, CallKey key);
  void set_status(Status changed);
  void note_failure(std::string_view why);
  void note_trouble();
  void tell_bound(std::string_view bound) const;
  void tell_began(const ObservedCall& call, Packet& packet);
  ObservedCall observed(CallKey key, std::size_t sent = 0, std::size_t received = 0) const;
  bool is_held_back(PacketKind kind) const noexcept { return blocked_ && kind == PacketKind::request; }
  void send_unconfirmed_again();
  void tell_blocked();
  void send_queued();
  void send_queued_one(Outbox::Entry entry);
  /// Ends what waited for a link and shall not wait any longer.
  void fail_entries(std::vector<Outbox::Entry> entries, const Error& error);
  void end_connect_waits(const Error& error);
  template <class Which>
  void end_connect_waits_if(Which which, const Error& error);
  void tell(Done done, const Result<void>& outcome);
  void advance_flushes();
  void end_flushes(std::vector<Flushes::Ended> ended);
  void start_transport_flush();
  void fail_late_waits(TimePoint now);
  void arm_deadline(TimePoint deadline);
  void on_deadline();
  void end(CallKey key, const Error& error);
  void fail(CallKey key, const Error& error);
  void complain_of_forgotten(const Error& error);
  void end_expired(CallKey key);
  Error no_link_error(std::optional<std::chrono::milliseconds> waited = {}) const;
  Error too_much_unsent() const;
  Error not_sent(CallKey key, const Error& why) const;
  Error timed_out(CallKey key) const;
  Error lost_call(CallKey key, const Error& why) const;

  SerialExecutor executor_;
  Clock clock_;
  ReadClock read_clock_{clock_};  ///< Of replies.
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
  bool blocked_ = false;  ///< The broker takes nothing for now: requests wait here, where they can still be withdrawn.
  bool was_ready_ = false;
  bool closed_ = false;
  SoleThread sole_thread_;
  TimePoint armed_for_ = TimePoint::max();
  PendingCalls calls_;
  std::shared_ptr<Observer> observer_;  ///< Null: nobody is told.
  bool traces_ = false;                 ///< The observer.
  std::string observed_url_;
  Buffer scratch_;
  std::unordered_map<Ticket, std::weak_ptr<CallChain>> chains_;  // that run, by ticket_of(key)
  Unconfirmed unconfirmed_;
  std::shared_ptr<Reconnect> reconnect_;
  Outbox outbox_;
  std::atomic<WaitId> last_wait_{0};
  std::vector<ConnectWait> connect_waits_;
  Flushes flushes_;
  std::uint64_t losses_ = 0;
  std::optional<Error> last_failure_;
  mutable std::mutex why_mutex_;  ///< Of the three below, which others read, and only the loop writes.
  std::string blocked_why_;
  std::string failed_why_;  ///< The last attempt to connect; empty: there was none since there was a link.
  std::string hindered_why_;
  std::atomic<std::chrono::steady_clock::rep> troubled_at_{0};
  LinkLog link_log_;
  Timer deadline_timer_;
  Timer pause_timer_;
  bool paused_ = false;
  ReadPause read_pause_;
  TimePoint last_complaint_{};
  std::uint64_t forgotten_failures_ = 0;
  std::optional<Error> forgotten_failure_;  ///< The last of them; told by the next flush.
};

}  // namespace waybill::detail
