// What a service says of itself: its listeners and handlers, as a value.
#include "service/service_core.hpp"
#include "waybill/introspection.hpp"
#include "waybill/schema.hpp"

#include <algorithm>

namespace waybill {

namespace {

using HandlerKind = HandlerDescription::Kind;

HandlerDescription description_of(const Pattern& pattern, const detail::Handler& handler, bool is_request) {
  const detail::HandlerTypes types = handler.types();
  HandlerDescription made;
  made.kind = !is_request ? HandlerKind::event : types.is_stream ? HandlerKind::stream : HandlerKind::request;
  made.pattern = pattern.to_json();
  if (types.argument) made.argument = json_schema(types.argument());
  if (is_request) made.reply = types.reply ? json_schema(types.reply()) : "false";
  return made;
}

}  // namespace

/// A handler of several listeners is in the table of each.
ServiceDescription Service::description() const {
  ServiceDescription description;
  const Config& config = core_->config();
  if (!config.name.empty()) description.name = config.name;
  if (!config.version.empty()) description.version = config.version;
  for (const ListenerConfig& listener : config.listeners) {
    const std::string& name = listener.name.empty() ? listener.url.scheme : listener.name;
    description.servers.push_back(ServiceDescription::Server::of(name, listener.url, listener.serializer));
  }
  std::vector<std::pair<const detail::Handler*, std::string>> seen;  // and of which pattern
  const auto add = [&](const detail::RouteEntry& entry, const detail::Handler& handler, bool is_request,
                       const std::string& server) {
    const std::pair<const detail::Handler*, std::string> key(&handler, entry.pattern.route());
    const auto known = std::find(seen.begin(), seen.end(), key);
    const auto place = static_cast<std::size_t>(known - seen.begin());
    if (known == seen.end()) {
      seen.push_back(key);
      description.handlers.push_back(description_of(entry.pattern, handler, is_request));
    }
    description.handlers[place].servers.push_back(server);
  };
  const std::vector<detail::RouteTable>& tables = core_->parts().tables;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string server = i < description.servers.size() ? description.servers[i].name : std::string();
    for (const detail::RouteEntry* entry : tables[i].entries()) {
      if (entry->pattern.route() == k_introspection_pattern) continue;
      if (entry->request) add(*entry, *entry->request, true, server);
      for (const auto& handler : entry->events) add(*entry, *handler, false, server);
    }
  }
  for (HandlerDescription& handler : description.handlers) {
    if (handler.servers.size() == tables.size()) handler.servers.clear();  // all
  }
  return description;
}

ServiceDescription description_of(const ServiceInfo& service) {
  ServiceDescription description;
  description.name = service.name;
  if (!service.version.empty()) description.version = service.version;
  for (const ListenerInfo& listener : service.listeners.value_or(std::vector<ListenerInfo>())) {
    const auto url = Url::parse(listener.url);
    if (!url) continue;
    const std::string& name = listener.name.empty() ? url->scheme : listener.name;
    description.servers.push_back(ServiceDescription::Server::of(name, *url, {}));
  }
  for (const HandlerInfo& handler : service.handlers.value_or(std::vector<HandlerInfo>())) {
    HandlerDescription made;
    made.kind = handler.kind == "event"             ? HandlerKind::event
                : handler.is_stream.value_or(false) ? HandlerKind::stream
                                                    : HandlerKind::request;
    const bool is_object = handler.pattern.starts_with('{');
    made.pattern = is_object ? handler.pattern : format::JsonValue(handler.pattern).to_text();
    made.argument = handler.argument.value_or("");
    made.reply = handler.reply.value_or("");
    description.handlers.push_back(std::move(made));
  }
  return description;
}

}  // namespace waybill
