#include "wire/matcher.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

std::string_view take_word(std::string_view& text, bool& more) noexcept {
  const std::size_t dot = text.find('.');
  const std::string_view word = text.substr(0, dot);
  more = dot != std::string_view::npos;
  text = more ? text.substr(dot + 1) : std::string_view();
  return word;
}

bool has_wildcard(std::string_view route) noexcept {
  for (bool more = true; more;) {
    const std::string_view word = take_word(route, more);
    if (word == "*" || word == "#") return true;
  }
  return false;
}

}  // namespace

bool matches_binding(std::string_view binding, std::string_view route) noexcept {
  if (binding.empty()) return false;
  bool more_wanted = true;
  bool more_given = true;
  while (more_wanted) {
    const std::string_view wanted = take_word(binding, more_wanted);
    if (wanted == "#" && !more_wanted) return true;
    if (!more_given) return false;
    const std::string_view given = take_word(route, more_given);
    if (wanted == "#") return false;
    if (wanted == "*" ? given.empty() : wanted != given) return false;
  }
  return !more_given;
}

Matcher::Matcher(const Routes& routes) {
  for (const Route& route : routes) {
    const bool is_native = route.pattern.is_native() && has_wildcard(route.pattern.route());
    if (is_native || route.pattern.is_wildcard()) {
      wildcards_.push_back({route.pattern.route(), is_native});
      has_native_ = has_native_ || is_native;
    } else {
      exact_.push_back(route.pattern.route());
    }
  }
  std::sort(exact_.begin(), exact_.end());
}

std::string_view Matcher::route_for(Term pattern) const {
  if (!has_native_) return {};
  std::string route;
  if (!lookup_route(pattern, route) || std::binary_search(exact_.begin(), exact_.end(), route)) return {};
  for (const Wildcard& wildcard : wildcards_) {
    const bool is_match = wildcard.is_native ? matches_binding(wildcard.route, route) : matches(wildcard.route, route);
    if (is_match) return wildcard.is_native ? std::string_view(wildcard.route) : std::string_view();
  }
  return {};
}

}  // namespace waybill::amqp
