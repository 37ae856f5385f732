// What an application says of itself: its routes for OpenAPI, its messages for AsyncAPI.
#include "application_core.hpp"
#include "body_template.hpp"

#include <algorithm>

namespace waybill {

namespace {

using format::JsonValue;
using HandlerKind = HandlerDescription::Kind;

HandlerKind kind_of(const RouteConfig& route) {
  switch (route.kind) {
    case RouteConfig::Kind::event: return HandlerKind::event;
    case RouteConfig::Kind::stream: return HandlerKind::stream;
    case RouteConfig::Kind::request: break;
  }
  return HandlerKind::request;
}

bool is_pattern(const std::string& json, const Pattern& pattern) {
  try {
    return Pattern::from_json(json) == pattern;
  } catch (const Error&) {  // of a broker's own form
    return false;
  }
}

/// The handler of this program that a route reaches by a client `self:NAME`.
std::optional<HandlerDescription> find_handler(const ServiceDescription& service, const RouteConfig& route) {
  for (const HandlerDescription& handler : service.handlers) {
    if ((handler.kind == HandlerKind::event) != (route.kind == RouteConfig::Kind::event)) continue;
    if (is_pattern(handler.pattern, *route.pattern)) return handler;
  }
  return std::nullopt;
}

}  // namespace

http::RouteDescription Application::Core::describe_route(const RouteConfig& route) const {
  http::RouteDescription made;
  made.is_passed_on = true;
  made.gives = route.kind == RouteConfig::Kind::event    ? http::Gives::event
               : route.kind == RouteConfig::Kind::stream ? http::Gives::stream
                                                         : http::Gives::anything;
  if (route.body) route.body->describe(made);
  if (!config_.client(route.client).url.is_self() || !service_) return made;
  if (!own_ || !is_started_) own_ = service_->description();  // until then handlers may come
  const auto handler = find_handler(*own_, route);
  if (!handler) return made;
  const auto argument = JsonValue::parse(handler->argument);
  if (argument && route.body && route.body->is_body()) made.body = *argument;
  const auto reply = JsonValue::parse(handler->reply);
  if (!reply) return made;
  if (reply->is_object()) made.reply = *reply;
  if (made.gives != http::Gives::anything) return made;
  if (reply->is("false")) made.gives = http::Gives::nothing;
  const JsonValue* type = reply->find("type");  // what may be a text or something else is told by its media type only
  if (reply->find("$ref") || (type && type->is_text())) made.gives = http::Gives::value;
  return made;
}

std::string Application::Core::api_title() const {
  if (!config_.http->title.empty()) return config_.http->title;
  return config_.name.empty() ? "HTTP API" : config_.name;
}

std::string Application::Core::api_version() const {
  if (!config_.http->version.empty()) return config_.http->version;
  return config_.version.empty() ? "1.0.0" : config_.version;
}

std::string Application::Core::open_api() const {
  if (http_) return http_->open_api(api_title(), api_version());
  return http::Server(executor(), http::ServerConfig(), log_).open_api();
}

ServiceDescription Application::Core::description() const {
  ServiceDescription description = service_ ? service_->description() : ServiceDescription();
  if (!config_.name.empty()) description.name = config_.name;
  if (!config_.version.empty()) description.version = config_.version;
  const auto is_listener = [&](const std::string& name) {
    return std::any_of(config_.listeners.begin(), config_.listeners.end(),
                       [&](const ListenerConfig& listener) { return listener.name == name; });
  };
  std::map<std::string, std::string> names;
  for (const auto& [name, client] : config_.clients) {
    if (client.url.is_self()) continue;
    names[name] = is_listener(name) ? "client " + name : name;
    description.servers.push_back(ServiceDescription::Server::of(names[name], client.url, client.serializer));
  }
  for (const RouteConfig& route : config_.routes) {
    if (!names.contains(route.client)) continue;  // of this program
    HandlerDescription sent;
    sent.kind = kind_of(route);
    sent.pattern = route.pattern->to_json();
    if (route.body) sent.argument = route.body->schema().to_text();
    sent.servers.push_back(names[route.client]);
    sent.is_sent = true;
    description.handlers.push_back(std::move(sent));
  }
  return description;
}

}  // namespace waybill
