#include "peer.hpp"

#include "waybill/url.hpp"

#include <algorithm>
#include <iterator>

namespace waybill::opentelemetry {

namespace {

std::string system_of(std::string scheme) {
  if (scheme == "amqp" || scheme == "amqps") return "rabbitmq";
  if (scheme == "kafka" || scheme == "kafkas") return "kafka";
  if (scheme == "redis" || scheme == "rediss") return "redis";
  if (scheme == "tcp" || scheme == "tcps") return "tcp";
  return scheme;
}

std::int64_t usual_port(std::string_view scheme) {
  if (scheme == "amqp") return 5672;
  if (scheme == "amqps") return 5671;
  if (scheme == "kafka" || scheme == "kafkas") return 9092;
  return scheme == "redis" || scheme == "rediss" ? 6379 : 0;
}

std::string option_of(const Url& url, std::string_view name, std::string_view nestjs_name) {
  const std::string* value = url.option(name);
  if (!value) value = url.option(nestjs_name);
  return value ? *value : std::string();
}

}  // namespace

bool is_known_method(std::string_view method) noexcept {
  constexpr std::string_view k_known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                          "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  return std::find(std::begin(k_known), std::end(k_known), method) != std::end(k_known);
}

Attributes Peer::attributes_of(std::string_view operation, std::string_view destination) const {
  Attributes attributes{{"messaging.system", view_of(system)},
                        {"messaging.operation.name", view_of(operation)},
                        {"messaging.operation.type", view_of(operation)}};
  if (!destination.empty()) attributes.emplace_back("messaging.destination.name", view_of(destination));
  if (!address.empty()) attributes.emplace_back("server.address", view_of(address));
  if (port) attributes.emplace_back("server.port", *port);
  return attributes;
}

Peer::Peer(std::string_view text) {
  // An HTTP server may tell several, with commas.
  const Result<Url> read = Url::parse(text.substr(0, text.find(",http")));
  if (!read) {
    system = "unknown";
    return;
  }
  const Url& url = *read;
  scheme = url.scheme;
  system = system_of(url.scheme);
  if (!url.hosts.empty()) {
    address = url.hosts.front().name;
    port = url.hosts.front().port;
    if (!url.hosts.front().has_port) port = usual_port(url.scheme);
    if (port == 0) port.reset();
  }
  const bool is_by_pattern = url.option("exchange") || option_of(url, "wildcards", "wildcards") == "true";
  if (system == "rabbitmq" && !is_by_pattern) queue = option_of(url, "queue", "queue");
  if (system == "kafka") group = option_of(url, "group_id", "groupId");
}

}  // namespace waybill::opentelemetry
