// One listener of a service on one loop: takes its deliveries to their handlers. The one place that catches what
// handlers throw.
#pragma once

#include "link/link_log.hpp"
#include "link/reconnect.hpp"
#include "link/sole_thread.hpp"
#include "read_clock.hpp"
#include "service/exchange.hpp"
#include "service/handler_pool.hpp"
#include "service/observed_delivery.hpp"
#include "service/parking.hpp"
#include "service/route_table.hpp"
#include "service/service_loops.hpp"
#include "service/unhandled_log.hpp"
#include "service/waiting_retries.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"
#include "waybill/service.hpp"
#include "waybill/time.hpp"

#include <asio/post.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace waybill::detail {

/// Of an exception that is no Error, and stands in the log.
inline constexpr std::string_view k_internal_text = "Internal server error";

/// Counters of one host; any thread may read them.
struct HostCounters {
  std::atomic<std::uint64_t> requests{0}, events{0}, failed{0}, unhandled{0}, retried{0}, dead_lettered{0}, dropped{0},
      in_flight{0};
};

/// Only the host's own loop writes, others read: no locked instruction is needed.
inline void count(std::atomic<std::uint64_t>& counter, std::int64_t by = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by), std::memory_order_relaxed);
}

/// A message's pattern, for people.
inline std::string_view name_of(const Packet& packet) noexcept {
  return packet.has_pattern ? packet.pattern.text : packet.route;
}

/// What all listeners of a service share; fixed from the start on.
struct ServiceParts {
  std::vector<RouteTable> tables;      ///< One for each listener; without any, one that only finds mistakes.
  std::vector<Middleware> middleware;  ///< Of use().
  Log log;
  MetricSink metrics;
  std::shared_ptr<Observer> observer;         ///< Null: nobody is told.
  std::shared_ptr<const Registry> registry;   ///< Of the transports and serializers in use.
  std::shared_ptr<HandlerPool> handler_pool;  ///< Null: handlers run on their listener's loop.
};

/// An exchange with the delivery that it is about, for handlers that do not return at once, and for middleware.
struct HeldExchange final : Chain, std::enable_shared_from_this<HeldExchange> {
  HeldExchange(Delivery&& taken, ListenerHost& its_host, const RouteEntry& its_entry, asio::any_io_executor handled_on)
      : host(its_host),
        entry(its_entry),
        delivery(std::move(taken)),
        executor(std::move(handled_on)),
        exchange(delivery, host, executor) {}
  asio::awaitable<Result<void>> run_from(std::size_t place) override;

  ListenerHost& host;
  const RouteEntry& entry;
  Delivery delivery;
  asio::any_io_executor executor;
  Exchange exchange;
  unsigned link = 0;     ///< Which of the listener's links it came by.
  Result<void> outcome;  ///< Of the last run of its handlers.
  bool has_run = false;  ///< Its handlers, at least once.
  bool is_over = false;  ///< The chain has ended: who has kept a part of it runs nothing more.
};

/// Threads: all on the executor of its loop.
class ListenerHost final : public std::enable_shared_from_this<ListenerHost>,
                           public ListenerSink,
                           public Reconnect::Host,
                           public Parking::Host {
 public:
  /// `table`: its handlers, one of `parts`. `chain`: all the middleware around them.
  ListenerHost(std::shared_ptr<ServiceParts> parts, const RouteTable& table, const ListenerConfig& config,
               std::shared_ptr<Transport> transport, std::vector<Middleware> chain, Environment environment);

  asio::awaitable<Result<void>> start();
  /// Takes nothing new; completes when nothing is in flight, all replies are out, or at the deadline. Then it is closed.
  /// Streams that still run when a quarter of the time has passed, but at least a second, are ended.
  asio::awaitable<DrainReport> drain(TimePoint deadline);
  void close();
  /// Calls no handler for what comes from now on. Thread-safe.
  void stop_taking() noexcept { takes_nothing_.store(true, std::memory_order_relaxed); }

  bool streams_end() const noexcept { return streams_end_.load(std::memory_order_relaxed); }  ///< Thread-safe.
  void stream_ended() noexcept { streams_ended_.fetch_add(1, std::memory_order_relaxed); }    ///< Of streams_end().

  const asio::any_io_executor& executor() const noexcept { return executor_; }
  TimePoint coarse_now() const { return clock_.coarse(); }
  const Log& log() const noexcept { return parts_->log; }
  /// False: headers travel in the metadata.
  bool has_headers() const noexcept { return capabilities_.headers == Support::native; }
  Buffer& scratch() noexcept { return scratch_; }
  std::string address() const { return listener_->address(); }
  std::string describe() const;
  ListenerState state() const;  ///< Thread-safe.
  /// Says in the log what a configuration will cost that was perhaps not thought of.
  void warn() const;

  HostCounters counters;

  void on_delivery(Delivery&& delivery) override;
  void on_lost(const Error& error) override;
  void on_hindered(std::string_view reason) override;
  asio::awaitable<Result<void>> open_link() override;
  void on_link_ready() override;
  void on_link_lost(const Error& error) override;
  void on_link_failed(const Error& error, std::optional<std::chrono::milliseconds> retry_in) override;
  void on_parked(const Delivery& delivery) override;
  void on_given_back() override;
  void on_not_parked(const Delivery& delivery, const Error& why, std::chrono::milliseconds retry_in) override;

  using Held = std::shared_ptr<HeldExchange>;
  /// The middleware from that place on, and the handlers.
  asio::awaitable<Result<void>> run_from(std::size_t place, Held held);

 private:
  void begin_observing();
  void begin_observing(Delivery& delivery, const RouteEntry* entry);
  Log log_about(const Delivery& delivery) const;
  /// Of what its transport tells of itself.
  Environment with_figures(Environment environment);
  void handle_now(const RouteEntry& entry, Delivery& delivery);
  /// All event handlers of a pattern, whatever one of them throws; then throws what the first did.
  void handle_all_now(const RouteEntry& entry, Exchange& exchange);
  void handle_later(const RouteEntry& entry, Delivery&& delivery);
  Held hold(const RouteEntry& entry, Delivery&& delivery);
  void unhandled(Delivery& delivery);
  void tell_unhandled(const Packet& packet);
  /// It was delivered more often than it may be handled: each time its handler took the process or the link along.
  void exhausted(Delivery& delivery);
  std::string describe_policy() const;
  asio::awaitable<void> run(Held held);
  asio::awaitable<Result<void>> run_handlers(Held held);
  /// Answers a request that met several event handlers with what the first two returned, as NestJS does.
  void answer_collected(Exchange& exchange, Buffer first, Buffer second);
  /// Answers and settles a delivery that failed; an event as the delivery policy says, on the listener's loop.
  void failed(Exchange& exchange, const Error& error);
  void failed_event(Delivery& delivery, const Error& error);
  void tell_hidden(const Exchange& exchange, const Error& error) const;
  /// Acknowledges a delivery whose handler has finished, or keeps it unsettled if the handler wants that.
  void tell_handled(Exchange& exchange, const Error* error);
  void tell_link(Status changed);
  void tell_letters();
  void finished(Exchange& exchange);
  void keep(Delivery& delivery);
  /// Ends it for good: it is parked in the dead-letter channel, or dropped where there is none.
  void give_up(Delivery& delivery, const Error& error);
  /// Dead letters on their way, while draining: a moment, for who does not confirm them may never do so.
  asio::awaitable<void> letters_parked(TimePoint deadline);
  void finished_one();
  void note_why(std::string_view reason);
  void end_streams_before(TimePoint deadline);
  void hold_intake(bool on);
  /// False: its link is gone and nothing can be said about it any more; who has it delivers it again.
  bool is_of_this_link(const HeldExchange& held) const noexcept {
    return capabilities_.redelivery == Support::impossible || held.link == link_.load(std::memory_order_relaxed);
  }

  std::shared_ptr<ServiceParts> parts_;
  const RouteTable& table_;
  ListenerConfig config_;
  std::vector<Middleware> chain_;
  asio::any_io_executor executor_;
  Clock clock_;
  ReadClock read_clock_{clock_};
  ServiceLoops::Entry loop_{executor_};
  std::shared_ptr<Transport> transport_;  ///< Before its listener, which may refer to it.
  Capabilities capabilities_;
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<Reconnect> reconnect_;
  std::shared_ptr<WaitingRetries> retries_;
  std::shared_ptr<Parking> parking_;  ///< From the start on.
  TimePoint parking_told_;            ///< That messages cannot be parked: at most once a minute.
  bool is_held_ = false;              ///< The intake, while there is no room for waiting retries.
  std::atomic<Status> status_{Status::idle};
  std::atomic<std::size_t> letters_waiting_{0};
  std::atomic<std::chrono::steady_clock::rep> troubled_at_{0};
  mutable std::mutex why_mutex_;
  std::string why_;                ///< It is not ready.
  std::atomic<unsigned> link_{0};  ///< Grows with each link that is lost.
  UnhandledLog unhandled_log_;
  SoleThread sole_thread_;
  std::string observed_url_;
  std::shared_ptr<Observer> observer_;  ///< Null: nobody is told.
  bool traces_ = false;                 ///< The observer.
  std::uint64_t observed_ = 0;
  ObservedDeliveryPtr spare_observed_;  ///< Of the last message, for the next one; null: none.
  RouteCache cache_;
  Buffer scratch_;
  std::size_t in_flight_ = 0;
  std::size_t given_back_ = 0;
  std::size_t letters_back_ = 0;  ///< Dead letters under way when a drain began, that went back.
  Timer idle_;                    ///< Cancelled when nothing is in flight any more.
  Timer letters_;                 ///< Cancelled when a dead letter has found its place, or goes back.
  Timer close_;                   ///< Ends the flush of a drain.
  Timer streams_;                 ///< Ends the streams.
  std::atomic<bool> streams_end_{false};
  std::atomic<std::size_t> streams_ended_{0};
  std::atomic<bool> takes_nothing_{false};
  bool draining_ = false;
  bool was_ready_ = false;
  LinkLog link_log_;
  bool closed_ = false;
};

template <class Work>
void Exchange::on_loop(Work work) {
  if (!far_side_) return work(*this);
  asio::post(host_.executor(), [self = self_.lock(), work = std::move(work)]() mutable { work(*self); });
}

/// What the one `catch` of the library makes of the exception under way: an Error as it is, everything else as
/// errc::internal with a line in the log.
Error error_from_handler(std::exception_ptr exception, const Packet& packet, const Log& log);

/// The same, of what a handler threw: where that says of another message that nobody took it, this one was taken.
Error error_of_handler(std::exception_ptr exception, const Packet& packet, const Log& log);

}  // namespace waybill::detail
