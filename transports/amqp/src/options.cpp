// Options: what a URL says, checked, every mistake told.
#include "waybill/transport/tls_url.hpp"
#include "waybill/transports/amqp.hpp"

#include <algorithm>
#include <charconv>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_longest_name = 255;  // bytes of a short string

void read_delivery_limit(OptionReader& reader, Options& options) {
  const auto text = reader.optional_text("delivery_limit|deliveryLimit");
  if (!text || *text == "default") return;
  std::int32_t limit = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (ec != std::errc() || end != text->data() + text->size() || limit < -1)
    return reader.mistake("delivery_limit: must be a number, -1 (no limit) or default, not " + *text);
  options.delivery_limit = limit;
}

/// As in every AMQP URL a bare number is seconds.
std::chrono::seconds read_heartbeat(OptionReader& reader, std::chrono::seconds otherwise) {
  const auto text = reader.optional_text("heartbeat");
  if (!text) return otherwise;
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (ec == std::errc() && end == text->data() + text->size() && seconds >= 0) return std::chrono::seconds(seconds);
  return std::chrono::ceil<std::chrono::seconds>(reader.duration("heartbeat", otherwise));
}

void read_arguments(OptionReader& reader, Options& options) {
  options.arguments = reader.passthrough("arguments.");
  for (const auto& [name, value] : options.arguments) {
    if (name.empty() || name.size() > k_longest_name)
      reader.mistake("arguments." + name + ": is no name of an argument");
    for (const std::string_view own :
         {"queue-type", "delivery-limit", "dead-letter-exchange", "dead-letter-routing-key", "message-ttl", "expires",
          "max-length", "max-priority"}) {
      if (name != "x-" + std::string(own)) continue;
      std::string option(own);
      std::replace(option.begin(), option.end(), '-', '_');
      reader.mistake("arguments." + name + ": write " + option);
    }
  }
}

void read_queue(OptionReader& reader, Options& options) {
  options.queue = reader.text("queue");
  options.durable = reader.flag("durable", options.durable);
  options.exclusive = reader.flag("exclusive", options.exclusive);
  options.auto_delete = reader.flag("auto_delete|autoDelete", options.auto_delete);
  constexpr const char* k_types[] = {"", "classic", "quorum", "stream"};
  options.queue_type = k_types[reader.choice("queue_type|queueType", "default|classic|quorum|stream", 0)];
  options.dead_letter_exchange = reader.text("dead_letter_exchange|deadLetterExchange");
  options.dead_letter_routing_key = reader.text("dead_letter_routing_key|deadLetterRoutingKey");
  options.message_ttl = reader.duration("message_ttl|messageTtl", options.message_ttl);
  options.expires = reader.duration("expires", options.expires);
  options.max_length = reader.number("max_length|maxLength", 0, 0, UINT32_MAX);
  read_delivery_limit(reader, options);
  read_arguments(reader, options);
  options.max_priority = reader.number("max_priority|maxPriority", 0, 0, 255);
  options.no_assert = reader.flag("no_assert|noAssert", options.no_assert);
}

void read_exchange(OptionReader& reader, Options& options) {
  options.wildcards = reader.flag("wildcards", options.wildcards);
  options.exchange = reader.text("exchange");
  constexpr const char* k_types[] = {"topic", "fanout", "direct", "headers"};
  options.exchange_type = k_types[reader.choice("exchange_type|exchangeType", "topic|fanout|direct|headers", 0)];
  options.exchange_durable = reader.flag("exchange_durable", options.exchange_durable);
  options.routing_key = reader.text("routing_key|routingKey");
}

void read_delivery(OptionReader& reader, Options& options) {
  options.prefetch = static_cast<std::uint16_t>(reader.number("prefetch|prefetchCount", options.prefetch, 0, 65'535));
  const bool has_delivery = reader.choice("delivery", "at_least_once|at_most_once", 0) == 1;
  const bool no_ack = reader.flag("no_ack|noAck", has_delivery);
  options.at_most_once = has_delivery || no_ack;
  if (has_delivery && !no_ack) reader.mistake("delivery=at_most_once and noAck=false say opposite things");
  const std::optional<std::string> persistent = reader.optional_text("persistent");
  if (persistent) {
    options.persistent_events = options.persistent_requests = reader.flag("persistent", true);
  }
  options.mandatory = reader.flag("mandatory", options.mandatory);
  options.own_publish_link = reader.choice("publish_link", "own|shared", 0) == 0;
}

void check(OptionReader& reader, const Options& options) {
  for (const auto& [name, value] :
       {std::pair("queue", &options.queue), std::pair("exchange", &options.exchange),
        std::pair("routing_key", &options.routing_key), std::pair("the path (vhost)", &options.vhost)}) {
    if (value->size() > k_longest_name) reader.mistake(std::string(name) + ": is longer than 255 bytes");
  }
  if (options.queue.starts_with("amq.")) reader.mistake("queue: names that begin with \"amq.\" belong to the broker");
  if (options.wildcards && options.exchange_type != "topic")
    reader.mistake("wildcards need exchange_type=topic, not " + options.exchange_type);
  if (options.wildcards && options.exchange.empty() && options.queue.empty())
    reader.mistake("wildcards need a name for the exchange: add queue=NAME or exchange=NAME");
  if (!options.has_exchange() && !options.routing_key.empty())
    reader.mistake("routing_key needs an exchange: add exchange=NAME");
  if (options.heartbeat.count() > 3'600) reader.mistake("heartbeat: must be at most one hour");
}

}  // namespace

Result<Options> Options::from_url(const Url& url) {
  Options options;
  OptionReader reader(url);
  options.hosts = url.hosts;
  if (!url.user.empty()) {
    options.user = url.user;
    options.password = url.password;
  }
  if (!url.path.empty()) options.vhost = url.path;
  read_queue(reader, options);
  read_exchange(reader, options);
  read_delivery(reader, options);
  options.heartbeat = read_heartbeat(reader, options.heartbeat);
  options.start_timeout = reader.duration("start_timeout", options.start_timeout);
  options.caller_check = reader.duration("caller_check", options.caller_check);
  options.max_message = reader.size("max_message", options.max_message);
  transport::read_tls(reader, url, "amqps", options);
  check(reader, options);
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

}  // namespace waybill::amqp
