// What a URL says about a broker or a peer, in the words of the semantic conventions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waybill::opentelemetry {

struct Peer {
  explicit Peer(std::string_view url);

  std::string system;  ///< `messaging.system`: "rabbitmq", "kafka", "redis", "tcp", "memory", or another scheme.
  std::string address;
  std::optional<std::int64_t> port;
  std::string scheme;
  std::string queue;  ///< That RabbitMQ's default exchange routes to; empty: messages are routed by their patterns.
  std::string group;  ///< Of consumers.
};

}  // namespace waybill::opentelemetry
