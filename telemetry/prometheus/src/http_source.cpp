#include "http_source.hpp"

namespace waybill::telemetry {

namespace {
constexpr std::array<std::string_view, 8> k_methods{"GET",   "HEAD",   "POST",    "PUT",
                                                    "PATCH", "DELETE", "OPTIONS", k_other};
}  // namespace

HttpSource::HttpSource(std::span<const std::string> routes, const Bounds& bounds) : routes_(routes.size()) {
  for (const std::string& route : routes) {
    Series& series = *series_.emplace_back(std::make_unique<Series>(bounds));
    const std::size_t gap = route.find(' ');
    series.method = label_text(route.substr(0, gap));
    series.path = label_text(route.substr(gap + 1));
  }
  for (const std::string_view method : k_methods) {
    Series& series = *series_.emplace_back(std::make_unique<Series>(bounds));
    series.method = method;
    series.path = k_none;
  }
}

HttpSource::Series& HttpSource::of(const ObservedHttp& request) noexcept {
  if (request.route < routes_) return *series_[request.route];
  std::size_t place = 0;
  while (place + 1 < k_methods.size() && k_methods[place] != request.method) ++place;
  return *series_[routes_ + place];
}

void HttpSource::Statuses::add(int status) noexcept {
  for (One& one : ones_) {
    const int known = one.status.load(std::memory_order_relaxed);
    const bool is_last = &one == &ones_.back();
    if (known == -1) one.status.store(is_last ? -2 : status, std::memory_order_relaxed);
    if (known == -1 || known == status || is_last) return one.count.add();
  }
}

void HttpSource::http_began(const ObservedHttp& request) noexcept {
  Series& series = of(request);
  series.began.add();
  series.received.add(request.received);
}

void HttpSource::http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept {
  Series& series = of(request);
  series.ended.add();
  series.took.add(took);
  series.sent.add(request.sent);
  series.statuses.add(request.status);
}

void HttpSource::collect(Page& page, Part part) const {
  for (const auto& one : series_) {
    const std::uint64_t ended = one->ended.value();  // before those that began: never more than those
    const std::uint64_t began = one->began.value();
    if (!began) continue;
    const Labels labels{{"method", one->method}, {"route", one->path}};
    one->statuses.each([&](int status, std::uint64_t count) {
      Labels more = labels;
      more.emplace_back("status", status == -2 ? std::string(k_other) : std::to_string(status));
      page.add(names::k_http_requests, std::move(more), static_cast<double>(count));
    });
    page.add(names::k_http_durations, labels, one->took);
    page.add(names::k_http_received, labels, static_cast<double>(one->received.value()));
    page.add(names::k_http_sent, labels, static_cast<double>(one->sent.value()));
    if (part == Part::all) page.add(names::k_http_in_flight, labels, static_cast<double>(began - ended));
  }
}

}  // namespace waybill::telemetry
