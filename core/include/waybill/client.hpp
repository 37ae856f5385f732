// Client: requests, events and streams to one URL.
#pragma once

#include "waybill/call_options.hpp"
#include "waybill/config.hpp"
#include "waybill/detail/call.hpp"
#include "waybill/detail/client_wait.hpp"
#include "waybill/detail/miscompiled.hpp"
#include "waybill/detail/typed_call.hpp"
#include "waybill/fields.hpp"
#include "waybill/metrics.hpp"
#include "waybill/middleware.hpp"
#include "waybill/observer.hpp"
#include "waybill/pattern.hpp"
#include "waybill/registry.hpp"
#include "waybill/reply_stream.hpp"
#include "waybill/status.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace waybill {

struct ClientStats {
  std::uint64_t requests = 0;
  std::uint64_t events = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t failed = 0;        ///< Calls that ended with an error other than timeout.
  std::uint64_t late_replies = 0;  ///< Came when nobody waited any more; dropped.
  std::uint64_t reconnects = 0;
  std::uint64_t waiting = 0;  ///< Calls without an end yet.
};

/// How a client's link does.
struct ClientState {
  Status status = Status::idle;
  /// Of `blocked`: why the broker takes nothing; of `ready`: why replies do not come all the same; where there is no link:
  /// what the last attempt failed with, if there was one. Without secrets.
  std::string why;
  /// When its link was lost last, or replies came again; the clock's epoch: never.
  std::chrono::steady_clock::time_point troubled_at{};
};

/// Sends to one URL. Connects when it is first used, and again whenever the link is lost.
///
/// Calls are eager: calling is sending, whether or not the result is awaited. Each ends with a value or an Error, within
/// its deadline, exactly once. They take any Asio completion token for Result<T>: use_awaitable (the default) and
/// use_future throw the Error, callbacks get the Result. A callback without an executor of its own runs on executor(); what
/// it throws leaves the loop's run(), as from any handler, and touches no other call.
///
/// Threads:  calls may be made from any thread. `executor` must be serial: an io_context that one thread runs, or a
///           strand; anything else (a thread pool) is put behind a strand by the client.
/// Lifetime: destroying the client ends its calls with errc::closed.
class Client {
 public:
  /// Throws Error(invalid_config) for an unknown scheme, serializer or option.
  Client(asio::any_io_executor executor, const ClientConfig& config,
         std::shared_ptr<const Registry> registry = default_registry(), Log log = Log(stderr_log()));
  /// Inline, as all that takes the default registry: core itself knows no component.
  Client(asio::any_io_executor executor, std::string_view url)
      : Client(std::move(executor), ClientConfig::from_url(url)) {}
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) = delete;
  ~Client();

  /// Sends a request; completes with the one value of the reply. A reply without a value gives an R that is absent
  /// (std::optional, std::monostate, void) and errc::payload_mismatch for every other R.
  /// Errors: what the handler answered (errc::remote, no_handler), timeout, connection_lost, refused, overloaded, ...
  template <class R = Payload, class Body, class Token = asio::use_awaitable_t<>>
  requires(!std::same_as<std::remove_cvref_t<Token>, CallOptions>) auto request(const Pattern& pattern, Body&& body,
                                                                                Token&& token = {}) {
    return request<R>(pattern, std::forward<Body>(body), detail::k_no_options, std::forward<Token>(token));
  }
  template <class R = Payload, class Body, class Token = asio::use_awaitable_t<>>
  auto request(const Pattern& pattern, Body&& body, const CallOptions& options, Token&& token = {}) {
    detail::refuse_miscompiled<Body, Token>();
    detail::Call call = detail::Call::send(core_, PacketKind::request, pattern, ValueRef::of(body), options);
    return asio::async_initiate<Token, void(Result<R>)>(detail::AwaitCall<R>{}, token, std::move(call));
  }

  template <class R = Payload, detail::PatternTemporary P, class Body, class Token = asio::use_awaitable_t<>>
  requires(!std::same_as<std::remove_cvref_t<Token>, CallOptions>) auto request(P&& pattern, Body&& body,
                                                                                Token&& token = {}) {
    detail::refuse_pattern_temporary<Token>();
    const Pattern& named = pattern;
    return request<R>(named, std::forward<Body>(body), detail::k_no_options, std::forward<Token>(token));
  }
  template <class R = Payload, detail::PatternTemporary P, class Body, class Token = asio::use_awaitable_t<>>
  auto request(P&& pattern, Body&& body, const CallOptions& options, Token&& token = {}) {
    detail::refuse_pattern_temporary<Token>();
    const Pattern& named = pattern;
    return request<R>(named, std::forward<Body>(body), options, std::forward<Token>(token));
  }

  /// Sends an event; completes when the transport's promise for it is met (docs/transports).
  /// With asio::detached nothing is kept for it: the cheapest way to send.
  template <class Body, class Token = asio::use_awaitable_t<>>
  requires(!std::same_as<std::remove_cvref_t<Token>, CallOptions>) auto emit(const Pattern& pattern, Body&& body,
                                                                             Token&& token = {}) {
    return emit(pattern, std::forward<Body>(body), detail::k_no_options, std::forward<Token>(token));
  }
  template <class Body, class Token = asio::use_awaitable_t<>>
  auto emit(const Pattern& pattern, Body&& body, const CallOptions& options, Token&& token = {}) {
    detail::refuse_miscompiled<Body, Token>();
    if constexpr (std::same_as<std::remove_cvref_t<Token>, asio::detached_t>) {
      detail::Call::send_and_forget(core_, pattern, ValueRef::of(body), options);
    } else {
      detail::Call call = detail::Call::send(core_, PacketKind::event, pattern, ValueRef::of(body), options);
      return asio::async_initiate<Token, void(Result<Accepted>)>(detail::AwaitCall<Accepted>{}, token, std::move(call));
    }
  }

  template <detail::PatternTemporary P, class Body, class Token = asio::use_awaitable_t<>>
  requires(!std::same_as<std::remove_cvref_t<Token>, CallOptions>) auto emit(P&& pattern, Body&& body,
                                                                             Token&& token = {}) {
    detail::refuse_pattern_temporary<Token>();
    const Pattern& named = pattern;
    return emit(named, std::forward<Body>(body), detail::k_no_options, std::forward<Token>(token));
  }
  template <detail::PatternTemporary P, class Body, class Token = asio::use_awaitable_t<>>
  auto emit(P&& pattern, Body&& body, const CallOptions& options, Token&& token = {}) {
    detail::refuse_pattern_temporary<Token>();
    const Pattern& named = pattern;
    return emit(named, std::forward<Body>(body), options, std::forward<Token>(token));
  }

  /// Sends a request whose reply may have many values: `while (auto value = co_await stream.next())`.
  template <class T = Payload, class Body>
  ReplyStream<T> stream(const Pattern& pattern, Body&& body, const CallOptions& options = detail::k_no_options) {
    detail::refuse_miscompiled<Body, asio::use_awaitable_t<>>();
    return ReplyStream<T>(detail::Call::send(core_, PacketKind::request, pattern, ValueRef::of(body), options));
  }

  /// Connects now instead of at the first call; completes with Result<void> when the link is ready, or after
  /// `connect_timeout` with the last failure. Each call has a time of its own.
  template <class Token = asio::use_awaitable_t<>>
  auto connect(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<void>)>(
        [core = core_](auto handler) { detail::wait_for(core, &detail::connect_then, std::move(handler)); }, token);
  }

  /// Adds advice around all calls, outermost first, inside of what the configuration has. Throws Error(invalid_config)
  /// after the first call, and for what makes sense on services alone.
  Client& use(Middleware middleware);
  /// Takes what the transport tells of itself. Throws Error(invalid_config) after the first call.
  Client& metrics_to(MetricSink sink);
  /// Tells the observer, beside those that there are, of calls and of the link. Throws Error(invalid_config) after the first call.
  Client& observe(std::shared_ptr<Observer> observer);
  /// Ends every open call with errc::closed. Idempotent; thread-safe.
  void close();
  /// Completes with Result<void> when everything sent so far is handed over, and confirmed where the carrier confirms;
  /// connects for what waits for a link. What is sent later is not waited for. Also tells of an event that was sent with
  /// asio::detached since the last flush, and failed.
  /// Errors: refused, unauthorized ... (no link: what waited was not sent), connection_lost, timeout (not within the
  /// client's `timeout`), closed, cancelled.
  template <class Token = asio::use_awaitable_t<>>
  auto flush(Token&& token = {}) {
    return asio::async_initiate<Token, void(Result<void>)>(
        [core = core_](auto handler) { detail::wait_for(core, &detail::flush_then, std::move(handler)); }, token);
  }

  Status status() const noexcept;  ///< Whether there is a link. Thread-safe.
  ClientState state() const;       ///< Thread-safe.
  ClientStats stats() const;       ///< Thread-safe.
  /// There is one service at the other end of a link, no broker that hands messages to several.
  bool reaches_one() const noexcept;
  /// What the guarantee is, in one line for people.
  std::string describe() const;
  const asio::any_io_executor& executor() const noexcept;

 private:
  std::shared_ptr<detail::ClientCore> core_;
};

/// The same calls for code without an event loop: each blocks its thread until it ends, at most until its deadline.
/// Not thread-safe. Between calls nothing runs: heartbeats pause, and a link that was lost meanwhile is opened again by
/// the next call. In a handler it would stop the loop of its service, and with it the answer to a call of its own: there
/// calls end at once with errc::unsupported. Handlers on a pool (`handler_threads`) may use it.
class BlockingClient {
 public:
  explicit BlockingClient(const ClientConfig& config, std::shared_ptr<const Registry> registry = default_registry());
  explicit BlockingClient(std::string_view url) : BlockingClient(ClientConfig::from_url(url)) {}
  ~BlockingClient();

  /// Throws the Error that a co_await would throw.
  template <class R = Payload, class Body>
  R request(const Pattern& pattern, const Body& body, const CallOptions& options = detail::k_no_options) {
    return wait<R>([&](auto handler) { client_.request<R>(pattern, body, options, std::move(handler)); });
  }
  template <class Body>
  Accepted emit(const Pattern& pattern, const Body& body, const CallOptions& options = detail::k_no_options) {
    return wait<Accepted>([&](auto handler) { client_.emit(pattern, body, options, std::move(handler)); });
  }

 private:
  /// What the callback fills is shared with it: it may be told after this has thrown.
  template <class R, class Start>
  R wait(Start start) {
    refuse_in_handlers();
    const auto outcome = std::make_shared<std::optional<Result<R>>>();
    start([outcome](Result<R> result) { outcome->emplace(std::move(result)); });
    while (!*outcome) run_one();
    return std::move(**outcome).value();
  }
  static void refuse_in_handlers();
  void run_one();
  std::unique_ptr<asio::io_context> loop_;
  Client client_;
};

}  // namespace waybill
