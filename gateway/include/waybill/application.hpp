// Application: services, clients and an HTTP server in one program, with one life.
#pragma once

#include "waybill/application_config.hpp"
#include "waybill/client.hpp"
#include "waybill/http/server.hpp"
#include "waybill/service.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

/// Whether a program can do its work.
struct Health {
  struct Part {
    std::string name;  ///< "listener tcp://0.0.0.0:8001", "client orders", "http".
    bool is_ready = false;
    std::string why;  ///< It is not.
  };
  std::vector<Part> parts;
  bool is_ready() const noexcept;
};

/// What became of a program's work when it was drained.
struct ApplicationReport {
  ApplicationReport() {}          // NOLINT: not an aggregate, so that g++ 12 may return it through co_await
  std::size_t requests_left = 0;  ///< Of HTTP, unanswered at the deadline.
  DrainReport deliveries;         ///< Of the listeners.
};

/// Everything that one program serves and calls, from one configuration, on one loop: its own (run) or the host's (start).
/// The listeners start first, side by side; when all are up HTTP begins to listen. It ends the other way round: HTTP takes
/// nothing new and answers what is in hand, then the listeners drain, then the clients close.
///
/// Threads:  handlers and routes are registered before the start, by one thread. stop(), health() and client calls may come
///           from any thread. Handlers of routes run on executor().
/// Lifetime: on a host's executor it must be drained or closed before it is destroyed while that runs.
class Application {
 public:
  /// Throws Error(invalid_config) with every mistake.
  explicit Application(ApplicationConfig config = ApplicationConfig::from_env(),
                       std::shared_ptr<const Registry> registry = default_registry());
  Application(asio::any_io_executor executor, ApplicationConfig config,
              std::shared_ptr<const Registry> registry = default_registry());
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  ~Application();

  /// Its listeners, with their handlers, middleware and observers. Throws Error(invalid_config) where none is configured.
  Service& service();
  /// As Service has them.
  template <class F>
  Application& on_request(const Pattern& pattern, F&& handler) {
    service().on_request(pattern, std::forward<F>(handler));
    return *this;
  }
  template <class F>
  Application& on_event(const Pattern& pattern, F&& handler) {
    service().on_event(pattern, std::forward<F>(handler));
    return *this;
  }
  /// The HTTP server; routes of the configuration are there already. Throws Error(invalid_config) where none is configured.
  http::Server& http();
  /// Of that name in the configuration; made when it is first asked for, and there as long as the application is. Throws
  /// Error(invalid_config) that names the known ones; for `self:NAME` of a listener on any free port before the start.
  Client& client(std::string_view name);
  /// One more, of settings that are known at run time. Throws Error(invalid_config) for a name that there is.
  Client& add_client(std::string_view name, const ClientConfig& config);
  /// Tells the observer of the messages of all listeners, of the calls of all clients, also of those that are made or added
  /// later, and of requests over HTTP. Several are all told. Throws Error(invalid_config) after the start, and after the first call of a client.
  Application& observe(const std::shared_ptr<Observer>& observer);
  const ApplicationConfig& config() const noexcept;

  /// Runs until SIGINT, SIGTERM or stop(), then drains within `drain_timeout`; a second signal closes at once. Blocks.
  /// Returns what main should return: 0, or 1 after a failed start (with a line in the log), 2 where a mistake of the
  /// configuration was why. Throws what leaves the loop.
  /// REQUIRES: made without an executor.
  [[nodiscard]] int run();

  /// Starts all; completes with Result<void> when HTTP listens. What fails is named, and what is up already is ended first.
  /// REQUIRES: made with an executor.
  template <class Token = asio::use_awaitable_t<>>
  auto start(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<void>)>(
        [this](auto handler) {
          auto cancel = detail::cancellation_of(handler, executor());
          start_then(detail::make_completion<void>(std::move(handler), executor()), std::move(cancel));
        },
        token);
  }
  /// Ends all as said above; completes with Result<ApplicationReport> within `limit`.
  template <class Token = asio::use_awaitable_t<>>
  auto drain(std::chrono::milliseconds limit, Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<ApplicationReport>)>(
        [this, limit](auto handler) {
          auto cancel = detail::cancellation_of(handler, executor());
          drain_then(limit, detail::make_completion<ApplicationReport>(std::move(handler), executor()),
                     std::move(cancel));
        },
        token);
  }
  void stop();   ///< Ends run(), or a start under way. Thread-safe.
  void close();  ///< Now. Idempotent.

  Health health() const;
  /// Where it listens: "tcp://127.0.0.1:8001", "http://127.0.0.1:8101".
  std::vector<std::string> addresses() const;
  /// An OpenAPI 3.1 document of its routes, those of `/livez` and `/readyz` once it was started; without HTTP: of none.
  std::string open_api() const;
  /// Its handlers, and what its routes without code send to others. For async_api() and typescript().
  ServiceDescription description() const;
  /// One line for each listener, route and client, as after a start. Without secrets.
  std::vector<std::string> describe() const;
  const asio::any_io_executor& executor() const noexcept;

 private:
  class Core;
  template <class T>
  using Done = detail::UniqueFunction<void(Result<T>)>;
  void start_then(Done<void> done, std::shared_ptr<asio::cancellation_signal> cancel);
  void drain_then(std::chrono::milliseconds limit, Done<ApplicationReport> done,
                  std::shared_ptr<asio::cancellation_signal> cancel);
  std::shared_ptr<Core> core_;
};

}  // namespace waybill
