// AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0).
#include "describe/names.hpp"
#include "waybill/description.hpp"
#include "waybill/error.hpp"
#include "waybill/format/schema_pool.hpp"

#include <algorithm>
#include <map>

namespace waybill {

using format::JsonValue;

namespace {

JsonValue reference(const std::string& to) { return JsonValue::object({{"$ref", to}}); }

bool is_taken_in(const JsonValue& object, const std::string& name) { return object.find(name) != nullptr; }

/// "cmd_sum" of {"cmd":"sum"}, "order.created".
std::string channel_name(const Pattern& pattern) {
  std::string words;
  for (const char c : pattern.route()) {
    const bool is_between = std::string_view("{}\":, ").find(c) != std::string_view::npos;
    if (!is_between) words += c;
    if (is_between && !words.empty() && words.back() != '_') words += '_';
  }
  while (words.ends_with('_')) words.pop_back();
  return format::definition_name(words);
}

std::string content_type(const ServiceDescription& service) {
  const auto is_msgpack = [](const ServiceDescription::Server& server) { return server.serializer == "msgpack"; };
  const bool is_all =
      !service.servers.empty() && std::all_of(service.servers.begin(), service.servers.end(), is_msgpack);
  return is_all ? "application/vnd.msgpack" : "application/json";
}

class Document {
 public:
  explicit Document(const ServiceDescription& service) : service_(service) {
    JsonValue info = JsonValue::object({{"title", service.name}, {"version", service.version}});
    if (!service.text.empty()) info.set("description", service.text);
    document_ =
        JsonValue::object({{"asyncapi", "3.0.0"}, {"info", info}, {"defaultContentType", content_type(service)}});
    add_servers();
    for (const HandlerDescription& handler : service.handlers) add(handler);
    document_.set("channels", channels_);
    document_.set("operations", operations_);
    if (!schemas_.definitions().members().empty()) {
      document_["components"]["schemas"] = format::as_draft_7(schemas_.definitions());
    }
  }
  std::string text() const { return document_.to_text(2) + '\n'; }

 private:
  void add_servers() {
    JsonValue servers = JsonValue::object();
    for (const ServiceDescription::Server& server : service_.servers) {
      JsonValue made = JsonValue::object({{"host", server.host}, {"protocol", server.protocol}});
      if (!server.path.empty()) made.set("pathname", '/' + server.path);
      const std::string wanted = format::definition_name(server.name.empty() ? server.protocol : server.name);
      const std::string name =
          format::free_name(wanted, [&](const std::string& one) { return is_taken_in(servers, one); });
      servers.set(name, std::move(made));
      server_names_[server.name].push_back(name);
    }
    if (!servers.members().empty()) document_.set("servers", std::move(servers));
  }

  void add_servers_of(const HandlerDescription& handler, JsonValue& channel) const {
    JsonValue servers = JsonValue::list();
    for (const std::string& name : handler.servers) {
      const auto known = server_names_.find(name);
      if (known == server_names_.end()) continue;
      for (const std::string& one : known->second) servers.add(reference("#/servers/" + one));
    }
    if (!servers.items().empty()) channel.set("servers", std::move(servers));
  }

  /// The channel of the pattern, on these servers: its name.
  std::string channel_of(const HandlerDescription& handler) {
    const Pattern pattern = format::read_pattern(handler.pattern);
    JsonValue channel = JsonValue::object({{"title", pattern.route()}});
    const bool is_plain = pattern.route().find_first_of("{}?#") == std::string::npos;
    channel.set("address", is_plain ? JsonValue(pattern.route()) : JsonValue());
    channel.set("x-waybill-pattern", JsonValue::parse(handler.pattern).value());
    add_servers_of(handler, channel);
    const std::string key = channel.to_text();
    const auto known = by_channel_.find(key);
    if (known != by_channel_.end()) return known->second;
    const std::string name = new_channel(channel_name(pattern), std::move(channel));
    by_channel_[key] = name;
    return name;
  }
  std::string new_channel(const std::string& wanted, JsonValue channel) {
    std::string name =
        format::free_name(wanted, [this](const std::string& one) { return is_taken_in(channels_, one); });
    channels_.set(name, std::move(channel));
    return name;
  }

  /// A message of a channel: where it is. "false" as a schema: it has no payload.
  std::string add_message(const std::string& channel, const std::string& wanted, const std::string& schema) {
    JsonValue message = JsonValue::object({{"name", wanted}});
    const auto read = schema.empty() || schema == "false" ? std::nullopt : JsonValue::parse(schema);
    if (read) message.set("payload", format::as_draft_7(schemas_.add(*read)));
    if (schema == "false") message.set("description", "The reply ends without a value.");
    JsonValue& messages = channels_[channel]["messages"];
    const std::string name =
        format::free_name(wanted, [&](const std::string& one) { return is_taken_in(messages, one); });
    messages.set(name, std::move(message));
    return "#/channels/" + channel + "/messages/" + name;
  }

  void add(const HandlerDescription& handler) {
    using Kind = HandlerDescription::Kind;
    const std::string channel = channel_of(handler);
    const bool is_event = handler.kind == Kind::event;
    const std::string message = add_message(channel, is_event ? "event" : "request", handler.argument);
    JsonValue operation = JsonValue::object({{"action", handler.is_sent ? "send" : "receive"},
                                             {"channel", reference("#/channels/" + channel)},
                                             {"messages", JsonValue::list({reference(message)})}});
    if (!is_event) {
      JsonValue replies = JsonValue::object({{"title", "reply to " + channel}, {"address", JsonValue()}});
      const std::string reply_channel = new_channel(channel + ".reply", std::move(replies));
      const std::string reply = add_message(reply_channel, "reply", handler.reply);
      operation.set("reply", JsonValue::object({{"channel", reference("#/channels/" + reply_channel)},
                                                {"messages", JsonValue::list({reference(reply)})}}));
    }
    if (handler.kind == Kind::stream) operation.set("description", "Any number of values answer, then the end.");
    const std::string name =
        format::free_name(handler.is_sent ? "send." + channel : channel,
                          [this](const std::string& one) { return is_taken_in(operations_, one); });
    operations_.set(name, std::move(operation));
  }

  const ServiceDescription& service_;
  format::SchemaPool schemas_{"#/components/schemas/"};
  JsonValue document_;
  JsonValue channels_ = JsonValue::object();
  JsonValue operations_ = JsonValue::object();
  std::map<std::string, std::vector<std::string>> server_names_;
  std::map<std::string, std::string> by_channel_;
};

}  // namespace

ServiceDescription::Server ServiceDescription::Server::of(std::string_view name, const Url& url,
                                                          std::string_view serializer) {
  Server server;
  server.name = name;
  server.protocol = url.scheme;
  for (const Url::Host& host : url.hosts) {
    server.host += (server.host.empty() ? "" : ",") + host.name;
    if (host.has_port) server.host += ':' + std::to_string(host.port);
  }
  server.path = url.path;
  server.serializer = serializer;
  return server;
}

std::string async_api(const ServiceDescription& service) { return Document(service).text(); }

}  // namespace waybill
