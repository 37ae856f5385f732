#include "subscriptions.hpp"

#include <algorithm>

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

Subscriptions::Subscriptions(const Routes& routes, std::string prefix, bool wildcards) : prefix_(std::move(prefix)) {
  for (const Route& route : routes) {
    const std::string& text = route.pattern.route();
    const bool is_glob = route.pattern.is_native() || (wildcards && text.find_first_of("*?[") != std::string::npos);
    if (!is_glob && !route.pattern.is_wildcard()) {
      if (is_channel_.insert(prefix_ + text).second) channels_.push_back(prefix_ + text);
      continue;
    }
    std::string glob = escaped(prefix_) + (is_glob ? text : glob_of(text));
    if (std::find(globs_.begin(), globs_.end(), glob) == globs_.end()) globs_.push_back(glob);
    patterns_.push_back({std::move(glob), text, !is_glob});
  }
}

std::string_view Subscriptions::without_prefix(std::string_view channel) const noexcept {
  return channel.substr(std::min(prefix_.size(), channel.size()));
}

Subscriptions::Target Subscriptions::target_of(std::string_view glob, std::string_view channel) const {
  const std::string_view name = without_prefix(channel);
  if (glob.empty()) return {name, name, true};
  // Of waybill's own patterns one gets the message: the one by its name, else the first that matches.
  const bool has_exact = is_channel_.contains(std::string(channel));
  for (const Glob& pattern : patterns_) {
    if (!pattern.is_wildcard) {
      if (pattern.glob == glob) return {name, pattern.route, true};
      continue;
    }
    if (has_exact || !matches(pattern.route, name)) continue;
    return {name, name, pattern.glob == glob};
  }
  return {name, name, false};
}

}  // namespace waybill::redis
