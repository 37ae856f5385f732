#include "listener_source.hpp"

namespace waybill::telemetry {

ListenerSource::ListenerSource(std::string url, std::span<const std::string> routes, const Bounds& bounds)
    : LinkedSource(std::move(url)) {
  for (const std::string& route : routes) routes_.push_back(label_text(route));
  for (std::size_t i = 0; i < 2 * (routes_.size() + 1); ++i) series_.push_back(std::make_unique<Series>(bounds));
}

void ListenerSource::message_came(const ObservedMessage& message) noexcept {
  Series& series = of(message);
  series.came.add();
  series.received.add(message.received);
}

void ListenerSource::message_handled(const ObservedMessage& message, const Error* error,
                                     std::chrono::nanoseconds took) noexcept {
  Series& series = of(message);
  series.handled.add(took);
  if (error) series.failures.add(*error);
}

void ListenerSource::message_settled(const ObservedMessage& message, Fate fate) noexcept {
  Series& series = of(message);
  series.fates[static_cast<std::size_t>(fate)].add();
  if (message.sent) series.sent.add(message.sent);
}

void ListenerSource::collect(Page& page, Part part) const {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    const Series& series = *series_[i];
    std::uint64_t settled = 0;  // before what came: never more than that
    std::array<std::uint64_t, k_fates> fates{};
    for (std::size_t fate = 0; fate < fates.size(); ++fate) settled += fates[fate] = series.fates[fate].value();
    const std::uint64_t came = series.came.value();
    if (!came) continue;
    const std::string pattern = i / 2 < routes_.size() ? routes_[i / 2] : std::string(k_none);
    const Labels labels{{"url", url_}, {"pattern", pattern}, {"kind", i % 2 ? "event" : "request"}};
    const auto with = [&labels](const char* name, std::string_view value) {
      Labels more = labels;
      more.emplace_back(name, value);
      return more;
    };
    page.add(names::k_messages, labels, static_cast<double>(came));
    page.add(names::k_received, labels, static_cast<double>(series.received.value()));
    page.add(names::k_sent, labels, static_cast<double>(series.sent.value()));
    page.add(names::k_durations, labels, series.handled);
    if (part == Part::all) page.add(names::k_in_flight, labels, static_cast<double>(came - settled));
    for (std::size_t fate = 0; fate < fates.size(); ++fate) {
      page.add(names::k_settled, with("fate", name_of(static_cast<Fate>(fate))), static_cast<double>(fates[fate]));
    }
    for (std::size_t code = 0; code < k_codes.size(); ++code) {
      if (const auto count = series.failures.of(code))
        page.add(names::k_errors, with("code", k_codes[code]), static_cast<double>(count));
    }
  }
  collect_link({names::k_links, names::k_reconnects, names::k_bounds}, part, page);
}

}  // namespace waybill::telemetry
