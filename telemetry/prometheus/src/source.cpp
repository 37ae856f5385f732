#include "source.hpp"

namespace waybill::telemetry {

void BoundCells::add(std::string_view bound) noexcept {
  std::size_t place = 0;
  while (place + 1 < k_names.size() && k_names[place] != bound) ++place;
  cells_[place].add();
}

void BoundCells::collect(const Metric& metric, const std::string& url, Page& page) const {
  for (std::size_t i = 0; i < k_names.size(); ++i) {
    if (const auto count = cells_[i].value())
      page.add(metric, {{"url", url}, {"bound", std::string(k_names[i])}}, static_cast<double>(count));
  }
}

void Figures::tell(std::string_view name, double value) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(name);
    if (found != values_.end()) {
      found->second = value;
    } else if (values_.size() < k_most) {
      values_.emplace(label_text(name), value);
    }
  } catch (...) {  // no memory for a figure is no reason to end the process
  }
}

void Figures::collect(const std::string& url, Page& page) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, value] : values_) {
    if (name == "lag") {
      page.add(names::k_lag, {{"url", url}}, value);
    } else if (name == "dead_letters_waiting") {
      page.add(names::k_letters, {{"url", url}}, value);
    } else {
      page.add(names::k_figure, {{"url", url}, {"name", name}}, value);
    }
  }
}

void LinkedSource::collect_link(const LinkMetrics& metrics, Part part, Page& page) const {
  page.add(metrics.reconnects, {{"url", url_}}, static_cast<double>(link_.reconnects()));
  bounds_reached_.collect(metrics.bounds, url_, page);
  if (part == Part::counts) return;
  for (const Status status : k_statuses) {
    page.add(metrics.links, {{"url", url_}, {"status", std::string(name_of(status))}},
             link_.status() == status ? 1 : 0);
  }
  figures_.collect(url_, page);
}

}  // namespace waybill::telemetry
