#include "service/route_table.hpp"

#include "waybill/format/coding.hpp"

#include <algorithm>

namespace waybill::detail {

void RouteTable::check(const Pattern& pattern, bool is_request) const {
  if (std::max(pattern.route().size(), pattern.term().text.size()) > k_max_pattern) {
    throw Error(errc::invalid_config,
                "the pattern " + pattern.route().substr(0, 40) + "... is longer than " + std::to_string(k_max_pattern) +
                    " bytes: no message finds it",
                End::rejected);
  }
  const auto entry = entries_.find(pattern.route());
  if (is_request && entry != entries_.end() && entry->second->request) {
    throw Error(errc::invalid_config, "the pattern " + pattern.route() + " has a request handler already",
                End::rejected);
  }
}

void RouteTable::add(const Pattern& pattern, std::shared_ptr<Handler> handler, bool is_request) {
  check(pattern, is_request);
  std::unique_ptr<RouteEntry>& entry = entries_[pattern.route()];
  if (!entry) {
    entry = std::make_unique<RouteEntry>(RouteEntry{pattern, nullptr, {}, true, order_.size()});
    order_.push_back(entry.get());
  }
  entry->is_immediate = entry->is_immediate && handler->is_immediate();
  if (is_request) {
    entry->request = std::move(handler);
  } else {
    entry->events.push_back(std::move(handler));
  }
}

const RouteEntry* RouteTable::find(std::string_view route) const noexcept {
  if (const auto entry = entries_.find(route); entry != entries_.end()) return entry->second.get();
  for (const RouteEntry* entry : order_) {
    if (entry->pattern.is_wildcard() && matches(entry->pattern.route(), route)) return entry;
  }
  return nullptr;
}

std::vector<std::string> RouteTable::unreachable() const {
  std::vector<std::string> routes;
  std::string found;
  for (const RouteEntry* entry : order_) {
    const Pattern& pattern = entry->pattern;
    if (pattern.is_wildcard() || pattern.is_native()) continue;
    const auto leads_here = [&](Term sent) { return lookup_route(sent, found) && found == pattern.route(); };
    if (!leads_here(pattern.term()) && !leads_here({pattern.route(), false})) routes.push_back(pattern.route());
  }
  return routes;
}

Routes RouteTable::routes() const {
  Routes routes;
  for (const RouteEntry* entry : order_) {
    routes.push_back({entry->pattern, entry->request != nullptr, !entry->events.empty()});
  }
  return routes;
}

const RouteEntry* RouteCache::find(Term pattern) {
  if (last_ && pattern.text.size() == last_text_.size() &&
      format::equal_short(pattern.text.data(), last_text_.data(), last_text_.size())) {
    return last_;
  }
  if (const auto known = known_.find(pattern.text); known != known_.end()) {
    last_text_ = known->first;
    return last_ = known->second;
  }
  if (pattern.text.size() > k_max_pattern || !lookup_route(pattern, route_)) return nullptr;
  const RouteEntry* entry = table_.find(route_);
  // Only what has a handler is remembered, and not without bound: patterns come from outside.
  if (entry && known_.size() < k_most) known_.emplace(pattern.text, entry);
  return entry;
}

}  // namespace waybill::detail
