// What a URL says about a broker or a peer, in the words of the semantic conventions.
#pragma once

#include <opentelemetry/common/attribute_value.h>
#include <opentelemetry/nostd/string_view.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::opentelemetry {

/// Borrow their texts.
using Attributes = std::vector<std::pair<::opentelemetry::nostd::string_view, ::opentelemetry::common::AttributeValue>>;

inline ::opentelemetry::nostd::string_view view_of(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Methods that the conventions know; others are told as "_OTHER".
bool is_known_method(std::string_view method) noexcept;

struct Peer {
  explicit Peer(std::string_view url);

  /// Of messages: system, operation, destination, server. Borrow from this and the arguments.
  Attributes attributes_of(std::string_view operation, std::string_view destination) const;

  std::string system;  ///< `messaging.system`: "rabbitmq", "kafka", "redis", "tcp", "memory", or another scheme.
  std::string address;
  std::optional<std::int64_t> port;
  std::string scheme;
  std::string queue;  ///< That RabbitMQ's default exchange routes to; empty: messages are routed by their patterns.
  std::string group;  ///< Of consumers.
};

}  // namespace waybill::opentelemetry
