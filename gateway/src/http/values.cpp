// The values of a reply as a body: server-sent events (WHATWG HTML, 9.2) or lines of JSON.
#include "http/json.hpp"
#include "http/targets.hpp"
#include "waybill/http/message.hpp"
#include "waybill/time.hpp"

#include <asio/experimental/awaitable_operators.hpp>

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

asio::awaitable<std::optional<std::string>> next_piece(ValuesPtr values, bool as_events) {
  if (values->is_ended) co_return std::nullopt;
  std::optional<Next> next = std::exchange(values->first, std::nullopt);
  if (!next) {
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
  }
  co_return response_of(request, std::move(source));
}

}  // namespace waybill::http
