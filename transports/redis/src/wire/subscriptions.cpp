#include "wire/subscriptions.hpp"

#include <algorithm>
#include <utility>

namespace waybill::redis {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string glob_of(std::string_view wildcard) {
  std::string out;
  for (;;) {
    const std::size_t dot = wildcard.find('.');
    const std::string_view word = wildcard.substr(0, dot);
    out += word == "*" || word == "**" ? "*" : escaped(word);
    if (dot == std::string_view::npos) return out;
    out += '.';
    wildcard.remove_prefix(dot + 1);
  }
}

namespace {

/// Takes one item of the glob off its front; false if it does not match `c`. REQUIRES: the glob does not begin with `*`.
bool take_item(std::string_view& glob, char c) noexcept {
  const auto next = [&glob] {
    const char first = glob.front();
    glob.remove_prefix(1);
    return first;
  };
  char item = next();
  if (item == '?') return true;
  if (item == '\\' && !glob.empty())
    item = next();
  else if (item == '[') {
    const bool is_negated = !glob.empty() && glob.front() == '^';
    if (is_negated) next();
    bool is_in = false;
    while (!glob.empty()) {
      char low = next();
      if (low == ']') break;
      if (low == '\\' && !glob.empty()) {
        is_in |= next() == c;
        continue;
      }
      char high = low;
      if (glob.size() >= 2 && glob[0] == '-') {
        next();
        high = next();
      }
      if (low > high) std::swap(low, high);
      is_in |= low <= c && c <= high;
    }
    return is_in != is_negated;
  }
  return item == c;
}

}  // namespace

bool glob_matches(std::string_view glob, std::string_view text) noexcept {
  std::string_view retry_glob, retry_text;
  bool has_star = false;
  for (;;) {
    if (!glob.empty() && glob.front() == '*') {
      glob.remove_prefix(1);
      retry_glob = glob;
      retry_text = text;
      has_star = true;
      continue;
    }
    if (text.empty() && glob.empty()) return true;
    if (!text.empty() && !glob.empty() && take_item(glob, text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (!has_star || retry_text.empty()) return false;
    retry_text.remove_prefix(1);  // the last star takes one more
    glob = retry_glob;
    text = retry_text;
  }
}

Subscriptions::Subscriptions(const Routes& routes, std::string prefix, bool wildcards) : prefix_(std::move(prefix)) {
  const auto add = [](std::vector<std::string>& list, const std::string& text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
  };
  const std::string escaped_prefix = escaped(prefix_);
  std::vector<std::string> exact, carriers, natives;
  for (const Route& route : routes) {
    const std::string& text = route.pattern.route();
    const bool is_glob = route.pattern.is_native() || (wildcards && text.find_first_of("*?[") != std::string::npos);
    if (!is_glob && !route.pattern.is_wildcard()) {
      if (is_channel_.insert(prefix_ + text).second) exact.push_back(prefix_ + text);
      continue;
    }
    std::string glob = escaped_prefix + (is_glob ? text : glob_of(text));
    add(is_glob ? natives : carriers, glob);
    patterns_.push_back({std::move(glob), text, !is_glob});
  }
  keep_widest(std::move(carriers), escaped_prefix.size());
  for (std::string& name : exact)
    if (!carrier_of(name)) channels_.push_back(std::move(name));
  globs_ = carriers_;
  for (const std::string& glob : natives) add(globs_, glob);
}

/// `prefix`: the length of the escaped one, with which all begin.
void Subscriptions::keep_widest(std::vector<std::string> carriers, std::size_t prefix) {
  // A glob of nothing but stars and plain letters, given another glob as a text, says whether it matches all of it.
  const auto covers = [prefix](std::string_view wide, std::string_view other) {
    wide.remove_prefix(prefix);
    other.remove_prefix(prefix);
    return wide.find('\\') == std::string_view::npos && glob_matches(wide, other);
  };
  for (std::size_t i = 0; i < carriers.size(); ++i) {
    bool is_covered = false;
    for (std::size_t k = 0; k < carriers.size() && !is_covered; ++k)
      is_covered = k != i && covers(carriers[k], carriers[i]) && (k < i || !covers(carriers[i], carriers[k]));
    if (!is_covered) carriers_.push_back(carriers[i]);
  }
}

/// Of several that bring the same message the first one counts.
const std::string* Subscriptions::carrier_of(std::string_view channel) const noexcept {
  for (const std::string& carrier : carriers_)
    if (glob_matches(carrier, channel)) return &carrier;
  return nullptr;
}

std::string_view Subscriptions::without_prefix(std::string_view channel) const noexcept {
  return channel.substr(std::min(prefix_.size(), channel.size()));
}

Subscriptions::Target Subscriptions::target_of(std::string_view glob, std::string_view channel) const {
  const std::string_view name = without_prefix(channel);
  if (glob.empty()) return {name, name, Fit::wanted, true};
  // Of waybill's own patterns one gets the message: the one by its name, else the first that matches.
  const std::string* const carrier = carrier_of(channel);
  const bool is_first = carrier && *carrier == glob;
  if (carrier) {
    const Fit fit = is_first ? Fit::wanted : Fit::elsewhere;
    if (is_channel_.contains(std::string(channel))) {
      if (is_first) return {name, name, fit, true};
    } else {
      for (const Glob& pattern : patterns_)
        if (is_first && pattern.is_wildcard && matches(pattern.route, name)) return {name, name, fit, false};
    }
  }
  bool has_native = false;
  for (const Glob& pattern : patterns_) {
    if (pattern.is_wildcard) continue;
    if (pattern.glob == glob) return {name, pattern.route, Fit::wanted, false};
    has_native = has_native || glob_matches(pattern.glob, channel);
  }
  return {name, name, is_first && !has_native ? Fit::overshot : Fit::elsewhere, false};
}

}  // namespace waybill::redis
