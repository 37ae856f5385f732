// The values of a reply as a body: server-sent events (WHATWG HTML, 9.2) or lines of JSON.
#include "http/json.hpp"
#include "http/targets.hpp"
#include "waybill/http/message.hpp"

#include <memory>

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

struct Values {
  explicit Values(ReplyStream<Payload> its_source) : source(std::move(its_source)) {}
  ReplyStream<Payload> source;
  bool is_ended = false;
};

asio::awaitable<std::optional<std::string>> next_piece(std::shared_ptr<Values> values, bool as_events) {
  if (values->is_ended) co_return std::nullopt;
  std::optional<Error> failure;
  std::optional<Payload> value;
  try {
    value = co_await values->source.next();
  } catch (const Error& error) {
    failure = error;
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

}  // namespace

Response Response::values(const Request& request, ReplyStream<Payload> values) {
  const bool as_events = wants_events(request);
  Response response;
  response.fields.set("Content-Type", as_events ? "text/event-stream" : "application/jsonl");
  response.fields.set("Cache-Control", "no-store");
  response.more = [source = std::make_shared<Values>(std::move(values)), as_events] {
    return next_piece(source, as_events);
  };
  return response;
}

}  // namespace waybill::http
