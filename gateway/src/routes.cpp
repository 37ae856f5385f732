#include "routes.hpp"

#include "body_template.hpp"
#include "http/json.hpp"
#include "http/request_id.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/recorded_value.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace waybill {

namespace {

using http::Request;
using http::Response;

struct MessageRoute {
  RouteConfig config;
  RouteClient client;
};
using RoutePtr = std::shared_ptr<const MessageRoute>;

/// Goes as it is where the client speaks JSON.
Payload payload_of(const MessageRoute& route, const Request& request) {
  const std::string json = route.config.body ? route.config.body->make(request) : "null";
  if (http::is_nested_too_deep(json)) throw http::Problem(400, "the body is nested too deep");
  if (route.client.serializer.is_json()) return Payload(Slice::copy(json), route.client.serializer);
  const auto value = Payload(Slice::copy(json), http::json_serializer()).decode<format::RecordedValue>();
  return Payload::of(value, route.client.serializer);
}

CallOptions options_of(const MessageRoute& route, const Request& request) {
  CallOptions options = request.call_options();
  if (route.config.timeout.count() == 0) options.timeout = std::min(*options.timeout, route.client.timeout);
  return options;
}

asio::awaitable<Response> request(RoutePtr route, Request& of) {
  const Payload payload = payload_of(*route, of);
  const CallOptions options = options_of(*route, of);
  const auto reply = co_await route->client.get().request<Payload>(*route->config.pattern, payload, options);
  co_return Response::of(reply);
}

asio::awaitable<Response> event(RoutePtr route, Request& of) {
  const Payload payload = payload_of(*route, of);
  CallOptions options = options_of(*route, of);
  const std::string id = http::request_id(nullptr);
  options.headers.set(header::k_message_id, id);
  co_await route->client.get().emit(*route->config.pattern, payload, options);
  std::string json = "{\"id\":";
  format::append_quoted(id, json);
  co_return Response::json(json + '}', 202);
}

asio::awaitable<Response> stream(RoutePtr route, Request& of) {
  const Payload payload = payload_of(*route, of);
  CallOptions options = of.call_options();
  if (route->config.timeout.count() == 0 && !of.header("Request-Timeout")) {
    options.timeout = std::chrono::milliseconds::max();
  }
  auto values = route->client.get().stream<Payload>(*route->config.pattern, payload, options);
  co_return co_await Response::begun_values(of, std::move(values));
}

}  // namespace

http::Handler make_route_handler(const RouteConfig& route, RouteClient client) {
  const auto shared = std::make_shared<const MessageRoute>(MessageRoute{route, std::move(client)});
  switch (route.kind) {
    case RouteConfig::Kind::event: return [shared](Request& of) { return event(shared, of); };
    case RouteConfig::Kind::stream: return [shared](Request& of) { return stream(shared, of); };
    case RouteConfig::Kind::request: break;
  }
  return [shared](Request& of) { return request(shared, of); };
}

}  // namespace waybill
