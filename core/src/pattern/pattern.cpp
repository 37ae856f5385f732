#include "waybill/pattern.hpp"

#include "pattern/pattern_route.hpp"
#include "waybill/error.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <cmath>

namespace waybill {
namespace {

constexpr std::size_t k_max_json = 64 << 10;  // bytes
constexpr std::size_t k_max_depth = 128;

[[noreturn]] void fail(std::string message) {
  throw Error(errc::invalid_config, "pattern: " + std::move(message), End::rejected);
}

void require_utf8(std::string_view text) {
  if (!format::is_utf8(text)) fail("the text is not valid UTF-8");
}

std::string number_json(double number) {
  if (!std::isfinite(number)) fail("a number must be finite");
  std::string json;
  format::append_number(number, json);
  return json;
}

std::string quoted(std::string_view text) {
  require_utf8(text);
  std::string json;
  format::append_quoted(text, json);
  return json;
}

/// Takes the first word off `text`; returns false when there was none left.
bool next_word(std::string_view& text, std::string_view& word, bool& more) noexcept {
  if (!more) return false;
  const std::size_t dot = text.find('.');
  more = dot != std::string_view::npos;
  word = text.substr(0, dot);
  text = more ? text.substr(dot + 1) : std::string_view{};
  return true;
}

/// Whether `text` has wildcards. Throws when one is where it cannot be.
bool find_wildcards(std::string_view text) {
  bool found = false;
  bool more = true;
  std::string_view rest = text;
  std::string_view word;
  while (next_word(rest, word, more)) {
    found = found || word == "*" || word == "**";
    if (word == "**" && more) {
      fail("\"" + std::string(text) + "\": ** stands for the rest, so it must be the last word");
    }
  }
  return found;
}

}  // namespace

Pattern::Entry::Entry(std::string_view key, std::string_view text) : json_(quoted(key) + ':' + quoted(text)) {}
Pattern::Entry::Entry(std::string_view key, bool value) : json_(quoted(key) + (value ? ":true" : ":false")) {}
Pattern::Entry::Entry(std::string_view key, double value) : json_(quoted(key) + ':' + number_json(value)) {}

Pattern::Pattern(Text, std::string_view text) : text_(text), route_(text), is_wildcard_(find_wildcards(text)) {
  require_utf8(text);
}

Pattern::Pattern(double number) : text_(number_json(number)), route_(text_), is_json_(true) {}

Pattern::Pattern(const Entry& a) : Pattern(OneEntry{}, '{' + a.json_ + '}') {}
Pattern::Pattern(const Entry& a, const Entry& b) : Pattern(ObjectJson{}, '{' + a.json_ + ',' + b.json_ + '}') {}
Pattern::Pattern(const Entry& a, const Entry& b, const Entry& c)
    : Pattern(ObjectJson{}, '{' + a.json_ + ',' + b.json_ + ',' + c.json_ + '}') {}
Pattern::Pattern(const Entry& a, const Entry& b, const Entry& c, const Entry& d)
    : Pattern(ObjectJson{}, '{' + a.json_ + ',' + b.json_ + ',' + c.json_ + ',' + d.json_ + '}') {}

/// The usual pattern: what an entry wrote is compact, one key needs no sorting, and without escapes it is the route.
Pattern::Pattern(OneEntry, std::string json) : text_(std::move(json)), is_json_(true) {
  if (text_.find('\\') == std::string::npos) {
    route_ = text_;
  } else {
    detail::route_of_json(text_, route_);
  }
}

Pattern::Pattern(ObjectJson, std::string_view json) : is_json_(true) {
  std::size_t mistake_at = 0;
  if (!format::compact_json(json, k_max_depth, text_, mistake_at)) {
    fail("not a JSON text: mistake at character " + std::to_string(mistake_at + 1));
  }
  detail::route_of_json(text_, route_);
}

Pattern::Pattern(Native, std::string_view text) : text_(text), route_(text), is_native_(true) { require_utf8(text); }

Pattern Pattern::from_json(std::string_view json) {
  if (json.size() > k_max_json) fail("the JSON text is longer than 64 KiB");
  require_utf8(json);
  std::string route;
  switch (detail::route_of_json(json, route)) {
    case detail::RouteKind::text: return Pattern(std::string_view(route));
    case detail::RouteKind::none: fail("true, false and null never find a handler");
    case detail::RouteKind::other:
    case detail::RouteKind::not_json: break;
  }
  return Pattern(ObjectJson{}, json);
}

std::string Pattern::to_json() const {
  if (is_json_) return text_;
  std::string json;
  format::append_quoted(text_, json);
  return json;
}

Pattern native(std::string_view text) { return Pattern(Pattern::Native{}, text); }

bool lookup_route(Term received, std::string& route) {
  if (received.text.size() > k_max_json) {
    route.clear();
    return false;
  }
  const auto kind = detail::route_of_json(received.text, route);
  if (!received.is_json) {
    if (kind == detail::RouteKind::not_json) route = received.text;
    return kind != detail::RouteKind::none;
  }
  if (kind == detail::RouteKind::text) {  // only from a caller that did not take the text out of its quotes
    const std::string content = std::move(route);
    return lookup_route({content, false}, route);
  }
  return kind == detail::RouteKind::other;
}

bool matches(std::string_view wildcard, std::string_view route) noexcept {
  bool more_wanted = true;
  bool more_given = true;
  std::string_view wanted;
  std::string_view given;
  while (next_word(wildcard, wanted, more_wanted)) {
    if (wanted == "**" && !more_wanted) {
      // Each of the words that are left must have a character, as for `*`.
      if (!more_given) return false;
      while (next_word(route, given, more_given)) {
        if (given.empty()) return false;
      }
      return true;
    }
    if (!next_word(route, given, more_given)) return false;
    if (wanted == "*" ? given.empty() : wanted != given) return false;
  }
  return !more_given;
}

}  // namespace waybill
