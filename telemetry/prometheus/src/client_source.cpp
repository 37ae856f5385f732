#include "client_source.hpp"

#include <cstring>
#include <functional>

namespace waybill::telemetry {

namespace {

constexpr std::size_t k_most_name = 48;  // of a pattern, as far as observers are told

/// Without the call that == of string views is.
bool is_same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

std::size_t power_of_two_over(std::size_t number) {
  std::size_t power = 1;
  while (power <= number) power *= 2;
  return power;
}

}  // namespace

ClientSource::ClientSource(std::string url, std::size_t max_patterns, const Bounds& bounds)
    : LinkedSource(std::move(url)),
      bounds_(bounds),
      most_(max_patterns),
      series_(std::make_unique<std::atomic<Series*>[]>(2 * (most_ + 1))),
      table_(power_of_two_over(4 * (most_ + 1))) {
  owned_.reserve(2 * (most_ + 1));
  for (const bool is_request : {true, false}) {  // for patterns beyond the most
    owned_.push_back(std::make_unique<Series>(k_other, is_request, bounds));
    series_[owned_.size() - 1].store(owned_.back().get());
  }
  count_.store(owned_.size(), std::memory_order_release);
}

ClientSource::Series& ClientSource::of(const ObservedCall& call) noexcept {
  const std::string_view pattern = call.pattern.substr(0, k_most_name);
  if (last_ && last_->is_request == call.is_request && is_same(last_->pattern, pattern)) return *last_;
  Series* const found = find(pattern, call.is_request);
  return *(last_ = found ? found : owned_[call.is_request ? 0 : 1].get());
}

/// Null: it is one too many.
ClientSource::Series* ClientSource::find(std::string_view pattern, bool is_request) noexcept {
  const std::size_t hash = std::hash<std::string_view>{}(pattern)*2 + (is_request ? 1 : 0);
  std::size_t place = hash & (table_.size() - 1);
  while (Series* const there = table_[place]) {
    if (there->is_request == is_request && there->pattern == pattern) return there;
    place = (place + 1) & (table_.size() - 1);
  }
  if (known_[is_request ? 1 : 0] >= most_) return nullptr;
  try {
    owned_.push_back(std::make_unique<Series>(pattern, is_request, bounds_));
  } catch (...) {  // no memory: counted with the others
    return nullptr;
  }
  ++known_[is_request ? 1 : 0];
  table_[place] = owned_.back().get();
  series_[owned_.size() - 1].store(table_[place], std::memory_order_relaxed);
  count_.store(owned_.size(), std::memory_order_release);
  return table_[place];
}

void ClientSource::call_began(const ObservedCall& call) noexcept {
  Series& series = of(call);
  series.began.add();
  series.sent.add(call.sent);
}

void ClientSource::call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept {
  Series& series = of(call);
  series.ended.add();
  if (call.number) series.took.add(took);
  if (call.received) series.received.add(call.received);
  if (error) series.failures.add(*error);
}

void ClientSource::collect(Page& page, Part part) const {
  const std::size_t count = count_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const Series& series = *series_[i].load(std::memory_order_relaxed);
    const std::uint64_t ended = series.ended.value();  // before those that began: never more than those
    const std::uint64_t began = series.began.value();
    if (!began) continue;
    const Labels labels{
        {"url", url_}, {"pattern", label_text(series.pattern)}, {"kind", series.is_request ? "request" : "event"}};
    page.add(names::k_client_calls, labels, static_cast<double>(began));
    page.add(names::k_client_sent, labels, static_cast<double>(series.sent.value()));
    page.add(names::k_client_received, labels, static_cast<double>(series.received.value()));
    page.add(names::k_client_durations, labels, series.took);
    if (part == Part::all) page.add(names::k_client_in_flight, labels, static_cast<double>(began - ended));
    for (std::size_t code = 0; code < k_codes.size(); ++code) {
      const auto failed = series.failures.of(code);
      if (!failed) continue;
      Labels more = labels;
      more.emplace_back("code", k_codes[code]);
      page.add(names::k_client_errors, std::move(more), static_cast<double>(failed));
    }
  }
  collect_link({names::k_client_links, names::k_client_reconnects, names::k_client_bounds}, part, page);
}

}  // namespace waybill::telemetry
