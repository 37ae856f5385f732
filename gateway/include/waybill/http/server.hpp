// Server: handlers behind routes of HTTP/1.1.
#pragma once

#include "waybill/detail/handler.hpp"
#include "waybill/http/message.hpp"
#include "waybill/http/route_description.hpp"
#include "waybill/http/server_config.hpp"
#include "waybill/log.hpp"
#include "waybill/observer.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace waybill::http {

/// What becomes of a request that has found its route. What it throws becomes a problem: an Error by the table of
/// docs/http-errors.md, a Problem as it says, anything else is logged and becomes a 500.
using Handler = std::function<asio::awaitable<Response>(Request&)>;

/// One method and path, and what is done there.
struct Route {
  std::string method;  ///< "GET"
  std::string path;    ///< "/orders/{id}": names in braces stand for any one segment that is not empty.
  Handler handler;
  std::chrono::milliseconds timeout{0};  ///< 0: the server's.
  std::vector<std::string> names;        ///< Of the path; filled in.
  std::size_t place = 0;                 ///< Among all routes; filled in.
  RouteTypes types{};
  std::function<RouteDescription()> described{};  ///< Instead of `types`; called when somebody asks.
  std::string summary{};                          ///< For people who read the description.
  bool is_hidden = false;                         ///< Not in the description.
};

namespace detail {

std::string encode_json(ValueRef value);

/// A Response as it is, texts as text/plain, a Payload as it came, all else as JSON.
template <class R>
Response response_of(R&& value) {
  using Value = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<Value, Response>) {
    return std::forward<R>(value);
  } else if constexpr (std::is_same_v<Value, Payload>) {
    return Response::of(value);
  } else if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
    return Response::text(value);
  } else {
    return Response::json(encode_json(ValueRef::of(value)));
  }
}

Response empty_response();

template <class F, class... Arguments>
asio::awaitable<Response> respond(F& function, Arguments&... arguments) {
  using Returned = std::remove_cvref_t<decltype(function(arguments...))>;
  if constexpr (waybill::detail::IsAwaitable<Returned>) {
    using Value = typename waybill::detail::AwaitableValue<Returned>::type;
    auto work = function(arguments...);
    if constexpr (std::is_void_v<Value>) {
      co_await std::move(work);
      co_return empty_response();
    } else {
      Value value = co_await std::move(work);
      co_return response_of(std::move(value));
    }
  } else if constexpr (std::is_void_v<Returned>) {
    function(arguments...);
    co_return empty_response();
  } else {
    co_return response_of(function(arguments...));
  }
}

/// Its frame owns what the handler's coroutine refers to.
template <class F>
asio::awaitable<Response> respond_to(std::shared_ptr<F> function, Request& request) {
  using S = waybill::detail::Signature<F>;
  using First = typename S::template parameter<0>;
  if constexpr (S::count == 0) {
    co_return co_await respond(*function);
  } else if constexpr (std::is_same_v<First, Request&>) {
    co_return co_await respond(*function, request);
  } else {
    auto parameters = request.parameters<std::remove_cvref_t<First>>();
    if constexpr (S::count == 1)
      co_return co_await respond(*function, parameters);
    else
      co_return co_await respond(*function, parameters, request);
  }
}

/// What the types of a handler tell.
template <class F>
RouteTypes types_of() {
  using S = waybill::detail::Signature<F>;
  using First = typename S::template parameter<0>;
  using Returned = std::remove_cvref_t<typename S::result>;
  RouteTypes types;
  if constexpr (S::count > 0 && !std::is_same_v<First, Request&>) types.argument = &type_of<std::remove_cvref_t<First>>;
  const auto tell = [&types]<class R>(std::type_identity<R>) {
    if constexpr (std::is_void_v<R>) {
      types.gives = Gives::nothing;
    } else if constexpr (!std::is_same_v<R, Response> && !std::is_same_v<R, Payload>) {
      types.gives = Gives::value;
      types.reply = &type_of<R>;
    }
  };
  if constexpr (waybill::detail::IsAwaitable<Returned>) {
    tell(std::type_identity<std::remove_cvref_t<typename waybill::detail::AwaitableValue<Returned>::type>>());
  } else {
    tell(std::type_identity<Returned>());
  }
  return types;
}

template <class F>
Handler make_handler(F&& function) {
  using Function = std::decay_t<F>;
  static_assert(waybill::detail::HasSignature<F>,
                "waybill: the handler of a route is a callable that takes (T), (T, Request&), (Request&) or (), and is "
                "no template");
  return [function = std::make_shared<Function>(std::forward<F>(function))](Request& request) {
    return respond_to<Function>(function, request);
  };
}

}  // namespace detail

/// Handlers are callables on (T), (T, Request&), (Request&) or (), where T is filled from the request's parameters
/// (Request::parameters); they return a Response, a text, a Payload, a described type (JSON), nothing (204), or an
/// asio::awaitable of one of these.
///
/// Threads:  routes are added before the start, by one thread; all else happens on `executor`, which must be serial.
/// Lifetime: close() or drain() before it is destroyed.
class Server {
 public:
  /// Throws Error(invalid_config).
  Server(asio::any_io_executor executor, ServerConfig config, Log log);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Throws Error(invalid_config) for a path that is none, or has a handler for that method, and after the start.
  Server& add(Route route);
  template <class F>
  Server& route(std::string_view method, std::string_view path, F&& handler) {
    Route made{std::string(method), std::string(path), detail::make_handler(std::forward<F>(handler)), {}, {}};
    made.types = detail::types_of<std::decay_t<F>>();
    return add(std::move(made));
  }
  template <class F>
  Server& get(std::string_view path, F&& handler) {
    return route("GET", path, std::forward<F>(handler));
  }
  template <class F>
  Server& post(std::string_view path, F&& handler) {
    return route("POST", path, std::forward<F>(handler));
  }
  template <class F>
  Server& put(std::string_view path, F&& handler) {
    return route("PUT", path, std::forward<F>(handler));
  }
  template <class F>
  Server& patch(std::string_view path, F&& handler) {
    return route("PATCH", path, std::forward<F>(handler));
  }
  template <class F>
  Server& del(std::string_view path, F&& handler) {
    return route("DELETE", path, std::forward<F>(handler));
  }

  /// Tells the observer, beside those that there are, of requests. Throws Error(invalid_config) after the start.
  Server& observe(const std::shared_ptr<Observer>& observer);
  /// What the description says of the route that was added last, where its handler's types do not:
  /// `http.get("/hello", hello).takes<Hello>().gives<std::string>().summary("Greets.")`.
  template <class T>
  Server& takes() {
    last().types.argument = &type_of<T>;
    return *this;
  }
  template <class T>
  Server& gives() {
    last().types.reply = &type_of<T>;
    last().types.gives = Gives::value;
    return *this;
  }
  template <class T>
  Server& streams() {
    last().types.reply = &type_of<T>;
    last().types.gives = Gives::stream;
    return *this;
  }
  Server& summary(std::string text) {
    last().summary = std::move(text);
    return *this;
  }
  Server& hidden() {
    last().is_hidden = true;
    return *this;
  }

  /// An OpenAPI 3.1 document of all routes that are not hidden, as JSON. Methods that OpenAPI does not know are left out.
  std::string open_api(std::string_view title = "HTTP API", std::string_view version = "1.0.0") const;
  /// Serves that at `/openapi.json`, and at `/docs` a page that shows and tries it; routes that take these paths already
  /// keep them.
  void serve_descriptions(std::string title = "HTTP API", std::string version = "1.0.0");

  /// Listens. Errors: refused, unauthorized, invalid_config (files of TLS), closed.
  asio::awaitable<Result<void>> start();
  /// Takes no new connection, ends each with its response; completes when all requests are answered, at the latest after
  /// `limit`. Returns how many were not.
  asio::awaitable<std::size_t> drain(std::chrono::milliseconds limit);
  /// Now. Idempotent.
  void close();

  /// "http://127.0.0.1:8101"; several with commas.
  std::string address() const;
  /// "GET /orders/{id}", in the order in which they were added.
  std::vector<std::string> describe() const;

 private:
  class Core;
  Route& last();
  std::shared_ptr<Core> core_;
};

}  // namespace waybill::http
