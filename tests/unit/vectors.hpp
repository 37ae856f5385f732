// The recorded vectors of tests/vectors: a line of JSON each, with bytes as base64.
#pragma once

#include "support/source_tree.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::test {

/// All lines of a file ("redis.jsonl"), at least one. Throws std::runtime_error if it cannot be read.
inline std::vector<nlohmann::json> vectors(const std::string& name) {
  std::ifstream file(source_tree() / "tests/vectors" / name);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  if (lines.empty()) throw std::runtime_error("no vectors in tests/vectors/" + name);
  return lines;
}

/// Ends at the padding, or at what is no digit.
inline std::string from_base64(const std::string& text) {
  constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = k_digits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return bytes;
}

/// Long bytes are recorded in parts: base64, or one byte repeated.
inline std::string joined(const nlohmann::json& parts) {
  std::string bytes;
  for (const nlohmann::json& part : parts) {
    if (part.contains("base64"))
      bytes += from_base64(part["base64"]);
    else
      bytes += std::string(part["count"], static_cast<char>(part["repeat_byte"].get<int>()));
  }
  return bytes;
}

/// The body of a recorded message.
inline std::string body_of(const nlohmann::json& vector) {
  if (vector.contains("body_parts")) return joined(vector["body_parts"]);
  return from_base64(vector.at("body_base64"));
}

}  // namespace waybill::test
