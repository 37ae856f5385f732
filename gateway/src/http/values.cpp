// The values of a reply as a body: server-sent events (WHATWG HTML, 9.2) or lines of JSON.
#include "http/json.hpp"
#include "http/targets.hpp"
#include "waybill/http/message.hpp"
#include "waybill/time.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <variant>

namespace waybill::http {

namespace {

bool wants_events(const Request& request) {
  const std::string* accept = request.header("Accept");
  return accept && accept->find("text/event-stream") != std::string::npos;
}

/// JSON has no line breaks but between its tokens; an event must not have any.
std::string in_one_line(std::string json) {
  for (char& c : json) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return json;
}

using Next = Result<std::optional<Payload>>;

struct Values {
  explicit Values(ReplyStream<Payload> its_source) : source(std::move(its_source)) {}
  ReplyStream<Payload> source;
  std::optional<Next> first;  ///< Read already.
  /// When it must be there; none: no matter when, or it is.
  std::optional<std::chrono::steady_clock::time_point> first_until;
  bool is_ended = false;
  bool ends_soon = false;
};
using ValuesPtr = std::shared_ptr<Values>;

Error shutting_down() { return Error(errc::closed, "the program is shutting down", End::unknown); }

asio::awaitable<Next> next_of(ValuesPtr values) {
  if (values->ends_soon) co_return Next(shutting_down());
  try {
    std::optional<Payload> value = co_await values->source.next();
    co_return Next(std::move(value));
  } catch (const Error& error) {
    co_return Next(values->ends_soon ? shutting_down() : error);
  }
}

/// The first value that came too late for the beginning of its response.
asio::awaitable<Next> next_until(ValuesPtr values, std::chrono::steady_clock::time_point until) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(co_await asio::this_coro::executor, until);
  auto waiting = next_of(values) || timer.async_wait(asio::use_awaitable);
  std::variant<Next, std::monostate> ended = co_await std::move(waiting);
  if (Next* first = std::get_if<Next>(&ended)) co_return std::move(*first);
  values->source.cancel();
  co_return Next(Error(errc::timeout, "no value came within the deadline of the request", End::unknown));
}

asio::awaitable<std::optional<std::string>> next_piece(ValuesPtr values, bool as_events) {
  if (values->is_ended) co_return std::nullopt;
  std::optional<Next> next = std::exchange(values->first, std::nullopt);
  const auto until = std::exchange(values->first_until, std::nullopt);
  if (!next && until) {
    Next read = co_await next_until(values, *until);
    next.emplace(std::move(read));
  } else if (!next) {
    Next read = co_await next_of(values);
    next.emplace(std::move(read));
  }
  std::optional<Error> failure;
  std::optional<Payload> value;
  if (*next) {
    value = **std::move(next);
  } else {
    failure = next->error();
  }
  if (failure) {
    values->is_ended = true;
    const std::string problem = in_one_line(Response::problem(*failure).body);
    co_return as_events ? "event: error\ndata: " + problem + "\n\n" : problem + '\n';
  }
  if (!value) co_return std::nullopt;
  const std::string json = in_one_line(as_json(*value));
  co_return as_events ? "data: " + json + "\n\n" : json + '\n';
}

Response response_of(const Request& request, ValuesPtr source) {
  const bool as_events = wants_events(request);
  Response response;
  response.fields.set("Content-Type", as_events ? "text/event-stream" : "application/jsonl");
  response.fields.set("Cache-Control", "no-store");
  response.end_soon = [source] {
    source->ends_soon = true;
    source->source.cancel();
  };
  response.more = [source = std::move(source), as_events] { return next_piece(source, as_events); };
  return response;
}

}  // namespace

Response Response::values(const Request& request, ReplyStream<Payload> values) {
  return response_of(request, std::make_shared<Values>(std::move(values)));
}

asio::awaitable<Response> Response::begun_values(const Request& request, ReplyStream<Payload> values,
                                                 std::chrono::milliseconds patience) {
  using namespace asio::experimental::awaitable_operators;
  auto source = std::make_shared<Values>(std::move(values));
  Timer timer(request.executor, patience);
  auto waiting = next_of(source) || timer.async_wait();
  std::variant<Next, std::monostate> ended = co_await std::move(waiting);
  if (Next* first = std::get_if<Next>(&ended)) {
    if (!*first) throw first->error();
    source->first.emplace(std::move(*first));
  } else {
    source->first_until = request.deadline;
  }
  co_return response_of(request, std::move(source));
}

}  // namespace waybill::http
