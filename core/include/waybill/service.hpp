// Service: handlers behind one or more listeners.
#pragma once

#include "waybill/config.hpp"
#include "waybill/description.hpp"
#include "waybill/detail/cancellation.hpp"
#include "waybill/detail/completion.hpp"
#include "waybill/detail/handler.hpp"
#include "waybill/log.hpp"
#include "waybill/metrics.hpp"
#include "waybill/middleware.hpp"
#include "waybill/observer.hpp"
#include "waybill/pattern.hpp"
#include "waybill/registry.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// What became of the deliveries that were in hand when a drain began.
struct DrainReport {
  DrainReport() {}             // NOLINT: not an aggregate, so that g++ 12 may return it through co_await
  std::size_t finished = 0;    ///< Handled, answered and settled.
  std::size_t ended = 0;       ///< Streams of replies that the drain ended; their callers were told `closed`.
  std::size_t given_back = 0;  ///< Not begun, or given up and not parked; the broker delivers them again where it can.
  std::size_t abandoned = 0;   ///< Still running at the deadline.
};

/// Figures of a running service. Counters only grow.
struct ServiceStats {
  std::uint64_t requests = 0;
  std::uint64_t events = 0;
  std::uint64_t failed = 0;         ///< Handlers that ended with an error.
  std::uint64_t unhandled = 0;      ///< Messages for which there was no handler.
  std::uint64_t retried = 0;        ///< Events whose handler failed, to be delivered again.
  std::uint64_t dead_lettered = 0;  ///< Events that were given up and parked.
  std::uint64_t dropped = 0;        ///< Events that were given up with a line in the log.
  std::uint64_t in_flight = 0;      ///< Being handled now.
};

/// A listener as it is now.
struct ListenerState {
  std::string name;              ///< Empty: it has none.
  std::string url;               ///< As it was configured, without secrets.
  Status status = Status::idle;  ///< `idle` until it is ready for the first time.
  std::string why;  ///< It is not ready: "no broker answers"; what the last attempt failed with. No secrets.
  std::size_t dead_letters_waiting = 0;  ///< Given up, and without a place in the dead-letter channel.
  std::chrono::steady_clock::time_point
      troubled_at{};  ///< When its link was lost last, or a dead letter found its place at last; the clock's epoch: never.
};

/// Any number of handlers behind any number of listeners, on the service's own loop (run) or on an executor that the
/// host brings (start).
///
/// Threads:  handlers are registered before the start, by one thread. stop() and stats() may be called from any thread.
///           Handlers run on the loop of their listener, or on the handler pool if `handler_threads` is set.
/// Lifetime: a service on a host's executor must be closed (drain or close) before it is destroyed while that runs.
class Service {
 public:
  /// Throws Error(invalid_config) for an unknown scheme, serializer or option.
  explicit Service(Config config = Config::from_env(), std::shared_ptr<const Registry> registry = default_registry());
  Service(asio::any_io_executor executor, Config config, std::shared_ptr<const Registry> registry = default_registry());
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  /// Some of its listeners, for handlers that are not for all.
  ///
  /// Lifetime: refers to the service.
  class Listeners;
  /// The listener of that name. Throws Error(invalid_config) that names the nearest.
  Listeners at(std::string_view name);
  /// Those of several names: `service.at({"inside", "public"}).on_request(...)`.
  Listeners at(std::initializer_list<std::string_view> names);
  Listeners at(const std::vector<std::string>& names);

  /// Answers requests on all listeners: `handler` is any callable on (T), (T, Context&), (Context&) or () that returns R, void,
  /// asio::awaitable<R> or Stream<R>. It must be safe to call from several threads if `threads` or `handler_threads` say so.
  /// Throws Error(invalid_config) when the pattern has a request handler on one of the listeners already, or after the
  /// start.
  template <class F>
  Service& on_request(const Pattern& pattern, F&& handler) {
    add(pattern, detail::make_handler(std::forward<F>(handler)), true);
    return *this;
  }
  /// Takes events of all listeners; several handlers of one pattern all run, in the order of their registration. The message is
  /// acknowledged when all have returned; when one fails the delivery policy decides.
  template <class F>
  Service& on_event(const Pattern& pattern, F&& handler) {
    add(pattern, detail::make_handler(std::forward<F>(handler)), false);
    return *this;
  }
  /// Adds advice around all handlers, outermost first, inside of what the configuration has. Throws Error(invalid_config)
  /// after the start, and for what makes sense on clients alone.
  Service& use(Middleware middleware);
  /// Takes the log lines instead of standard error.
  Service& log_to(LogSink sink);
  Service& log_to(LogRecordSink sink);
  /// Takes what the transports tell of themselves. Throws Error(invalid_config) after the start.
  Service& metrics_to(MetricSink sink);
  /// Tells the observer, beside those that there are, of messages and links. Throws Error(invalid_config) after the start.
  Service& observe(std::shared_ptr<Observer> observer);

  /// Runs until SIGINT, SIGTERM or stop(), then drains; a second signal closes at once. Blocks. Returns what main should
  /// return: 0, or 1 after a failed start (with a line in the log). Throws what leaves one of the loops, and
  /// Error(invalid_config) when it was called before. REQUIRES: made without an executor.
  [[nodiscard]] int run();

  /// Opens all listeners side by side; completes with Result<void> when every one is ready, or one surely will not be.
  /// Cancelled, it closes them and completes with errc::cancelled. REQUIRES: made with an executor.
  template <class Token = asio::use_awaitable_t<>>
  auto start(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<void>)>(
        [this](auto handler) {
          auto cancel = detail::cancellation_of(handler, executor());
          start_then(detail::make_completion<void>(std::move(handler), executor()), std::move(cancel));
        },
        token);
  }
  /// Takes nothing new, finishes what is in hand, then closes; completes with Result<DrainReport> within `limit`.
  /// Cancelled, it completes with errc::cancelled at once, and the service goes on draining.
  template <class Token = asio::use_awaitable_t<>>
  auto drain(std::chrono::milliseconds limit, Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<DrainReport>)>(
        [this, limit](auto handler) {
          auto cancel = detail::cancellation_of(handler, executor());
          drain_then(limit, detail::make_completion<DrainReport>(std::move(handler), executor()), std::move(cancel));
        },
        token);
  }
  /// Ends run(), which drains, and a start that still waits for its brokers or addresses: start() then completes with
  /// errc::closed. Thread-safe.
  void stop();
  /// Now: handlers still running lose their links, and none begins any more. Idempotent.
  void close();

  /// Where the listeners listen, without secrets: "tcp://127.0.0.1:41231". Empty before the start.
  std::vector<std::string> addresses() const;
  ServiceStats stats() const;
  /// Of each listener on each loop; none before the start. Thread-safe.
  std::vector<ListenerState> listeners() const;
  /// What it listens on and its handlers, with the schemas of their payloads; also before the start.
  ServiceDescription description() const;
  /// For how long already something new waits for a thread of the handler pool: handlers hold all of them. Zero: it does not,
  /// or there is no pool. It learns it by putting something there when it is asked, so that the first answer is zero. Thread-safe.
  std::chrono::milliseconds handler_pool_waits() const;
  /// One line per listener: what it promises, and how patterns are carried. Printed at start.
  std::vector<std::string> describe() const;
  asio::any_io_executor executor() const;

 private:
  class Core;
  /// `places`: of its listeners; null: all.
  void add(const Pattern& pattern, std::shared_ptr<detail::Handler> handler, bool is_request,
           const std::vector<std::size_t>* places = nullptr);
  template <class T>
  using Done = detail::UniqueFunction<void(Result<T>)>;
  void start_then(Done<void> done, std::shared_ptr<asio::cancellation_signal> cancel);
  void drain_then(std::chrono::milliseconds limit, Done<DrainReport> done,
                  std::shared_ptr<asio::cancellation_signal> cancel);
  template <class T, class Value>
  void spawn(asio::awaitable<Value> work, Done<T> done, std::shared_ptr<asio::cancellation_signal> cancel);
  std::shared_ptr<Core> core_;
};

/// Binds handlers as Service does, to the listeners that at() named.
class Service::Listeners {
 public:
  template <class F>
  Listeners& on_request(const Pattern& pattern, F&& handler) {
    service_.add(pattern, detail::make_handler(std::forward<F>(handler)), true, &places_);
    return *this;
  }
  template <class F>
  Listeners& on_event(const Pattern& pattern, F&& handler) {
    service_.add(pattern, detail::make_handler(std::forward<F>(handler)), false, &places_);
    return *this;
  }

 private:
  friend class Service;
  Listeners(Service& service, std::vector<std::size_t> places) : service_(service), places_(std::move(places)) {}
  Service& service_;
  std::vector<std::size_t> places_;  // among the listeners of the configuration
};

inline Service::Listeners Service::at(std::string_view name) { return at({name}); }
inline Service::Listeners Service::at(std::initializer_list<std::string_view> names) {
  return at(std::vector<std::string>(names.begin(), names.end()));
}

}  // namespace waybill
