#include "inputs.hpp"

#include "outcome.hpp"
#include <waybill/url.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace waybill::cli {
namespace {

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw UsageError(std::string(name) + ": " + std::string(why));
}

/// Without the name that the data model gives to the value itself.
std::string_view reason(const Error& error) {
  std::string_view message = error.message();
  constexpr std::string_view k_itself = "payload: ";
  if (message.starts_with(k_itself)) message.remove_prefix(k_itself.size());
  return message;
}

/// For JSON that is none, whose quotes a shell has eaten, as a rule.
std::string hint_of(std::string_view json) {
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  const char begin = first == std::string_view::npos ? ' ' : json[first];
  const std::size_t second = json.find_first_not_of(" \t\r\n", std::min(first, json.size() - 1) + 1);
  const bool is_key = begin == '{' && second != std::string_view::npos && json[second] != '"' && json[second] != '}';
  if (is_key) return " (keys and texts need quotes, and all of it single ones: '{\"id\":\"a-1\"}')";
  return begin == '{' || begin == '[' || begin == '"' ? "" : " (texts need quotes: '\"text\"')";
}

bool is_number(const std::string& text) {
  const char first = text.front();
  if (first != '-' && (first < '0' || first > '9')) return false;
  return payload_from_json(text, json_serializer()).has_value();
}

}  // namespace

Pattern parse_pattern(const std::string& typed) {
  if (typed.empty()) refuse("pattern", "must not be empty");
  if (typed == "true" || typed == "false" || typed == "null")
    refuse("pattern", "must be a text, a number or an object: the text is written '\"" + typed + "\"'");
  const std::size_t first = typed.find_first_not_of(" \t\r\n");
  const bool is_json =
      first != std::string::npos && (typed[first] == '{' || typed[first] == '[' || typed[first] == '"');
  try {
    return is_json || is_number(typed) ? Pattern::from_json(typed) : Pattern(typed);
  } catch (const Error& error) {
    throw UsageError(error.what() + (is_json ? hint_of(typed) : std::string()));  // which begins with "pattern"
  }
}

std::string read_data(const std::string& typed) {
  if (typed != "-") return typed;
  std::string data;
  std::array<char, 4096> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), stdin)) data.append(part.data(), got);
  if (std::ferror(stdin)) refuse("data", "standard input cannot be read: " + std::system_category().message(errno));
  return data;
}

Payload parse_value(std::string_view json, const Serializer& format, std::string_view name) {
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) refuse(name, "is empty: it must be JSON, null at least");
  Result<Payload> value = payload_from_json(json, format);
  if (!value) {
    refuse(name, std::string(reason(value.error())) + hint_of(json));
  }
  return *std::move(value);
}

JsonHeaders parse_headers(std::string_view json, std::string_view name) {
  Result<JsonHeaders> headers = headers_from_json(json);
  if (!headers) refuse(name, reason(headers.error()));
  return *std::move(headers);
}

std::chrono::milliseconds parse_time(std::string_view text, std::string_view name) {
  const Result<std::chrono::milliseconds> time = parse_duration(text);
  if (!time) refuse(name, time.error().message());
  if (time->count() <= 0) refuse(name, "must be more than 0");
  return *time;
}

void print_text(std::string_view text) {
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (is_written && std::fflush(stdout) == 0) return;
  const std::string why = std::system_category().message(errno);
  std::_Exit(report(failure(Exit::failed, "internal", "standard output cannot be written: " + why)));
}

void print_line(std::string_view line) { print_text(std::string(line) += '\n'); }

}  // namespace waybill::cli
