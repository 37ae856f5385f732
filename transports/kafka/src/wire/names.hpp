// Names of topics, groups and clients, as NestJS makes them.
#pragma once

#include "waybill/transports/kafka.hpp"

#include <string>
#include <string_view>

namespace waybill::kafka {

/// Letters, digits, `.`, `_` and `-`, at most 249, and neither "." nor "..".
inline bool is_topic_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool is_legal =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!is_legal) return false;
  }
  return true;
}

/// The topic of a route. NestJS's topics are the routes themselves, and it cannot carry others; so that object patterns
/// work between programs of ours, a route that is no legal name becomes `wb-` and its bytes, those beyond letters,
/// digits, `.` and `-` as `_` and two hex digits.
inline std::string topic_of(std::string_view route) {
  if (is_topic_name(route)) return std::string(route);
  constexpr char k_hex[] = "0123456789abcdef";
  std::string topic = "wb-";
  for (const char c : route) {
    if (c != '_' && is_topic_name(std::string{'x', c})) {
      topic += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    topic += '_';
    topic += k_hex[byte >> 4];
    topic += k_hex[byte & 15];
  }
  return topic;
}

/// All dead letters of a topic are in one partition: in the order of their deaths.
inline constexpr std::int32_t k_dead_letter_partition = 0;

inline std::string reply_topic(std::string_view topic) { return std::string(topic) + ".reply"; }

inline std::string group_name(const Options& options, std::string_view group) {
  const std::string plain = group.empty() ? options.group_id : std::string(group);
  return options.prefix + plain + (options.postfix ? "-server" : "");
}

inline std::string client_name(const Options& options, bool is_server) {
  return options.client_id + (!options.postfix ? "" : is_server ? "-server" : "-client");
}

}  // namespace waybill::kafka
