// The text of targets: hosts, paths, queries, percent-encoding (RFC 3986), tokens, and names without case.
#pragma once

#include "waybill/http/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::http {

/// -1: it is none.
int hex_digit_of(char c) noexcept;
bool equal_without_case(std::string_view a, std::string_view b) noexcept;

/// RFC 9110, 5.6.2.
bool is_token_character(char c) noexcept;
bool is_token(std::string_view name) noexcept;

/// What an absolute target names before its path: "shop.example:80". Null: it is a path, or something else.
std::optional<std::string_view> authority_of(std::string_view target) noexcept;
/// A host with a port or without, and nothing else, as RFC 3986 writes them; also no host at all.
bool is_authority(std::string_view text) noexcept;

/// The target's path and query, not decoded; what stands before the path in an absolute one is dropped. Null: it is neither.
struct SplitTarget {
  std::string_view path;  ///< Begins with a slash.
  std::string_view query;
};
std::optional<SplitTarget> split_target(std::string_view target) noexcept;

/// Null: a `%` without two digits, a zero byte, or no UTF-8.
std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space = false);
/// "a=1&b": names and values, decoded. Null: one cannot be.
std::optional<Parameters> read_query(std::string_view query);
/// "/orders/7": "orders", "7"; decoded. Null: one cannot be.
std::optional<std::vector<std::string>> read_path(std::string_view path);

}  // namespace waybill::http
