#include "page.hpp"

#include "waybill/format/utf8.hpp"

#include <algorithm>

namespace waybill::telemetry {

namespace {

std::vector<::prometheus::ClientMetric::Label> labels_of(const Labels& labels) {
  std::vector<::prometheus::ClientMetric::Label> made;
  for (const auto& [name, value] : labels) made.push_back({name, value});
  return made;
}

}  // namespace

void Page::add(const Metric& metric, Labels labels, double value) {
  Family& family = families_[metric.name];
  family.metric = &metric;
  family.samples[std::move(labels)].value += value;
}

void Page::add(const Metric& metric, Labels labels, const Durations& durations) {
  Family& family = families_[metric.name];
  family.metric = &metric;
  Sample& sample = family.samples[std::move(labels)];
  sample.buckets.resize(durations.size());
  for (std::size_t i = 0; i < durations.size(); ++i) sample.buckets[i] += durations.in(i);
  sample.value += durations.sum();
}

std::vector<::prometheus::MetricFamily> Page::families(const Bounds& bounds) const {
  std::vector<::prometheus::MetricFamily> all;
  for (const auto& [name, family] : families_) {
    ::prometheus::MetricFamily& made = all.emplace_back();
    made.name = family.metric->name;
    made.help = family.metric->help;
    made.type = family.metric->type;
    for (const auto& [labels, sample] : family.samples) {
      ::prometheus::ClientMetric& one = made.metric.emplace_back();
      one.label = labels_of(labels);
      one.counter.value = one.gauge.value = sample.value;
      if (made.type != ::prometheus::MetricType::Histogram) continue;
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
        count += sample.buckets[i];
        if (i < bounds.seconds.size()) one.histogram.bucket.push_back({count, bounds.seconds[i]});
      }
      one.histogram.sample_count = count;
      one.histogram.sample_sum = sample.value;
    }
  }
  return all;
}

std::string label_text(std::string_view text, std::size_t most) {
  std::string made;
  while (!text.empty()) {
    const char32_t point = format::next_code_point(text);
    std::string one;
    format::append_utf8(point < 0x20 || point == 0x7f ? U'?' : point, one);
    if (made.size() + one.size() > most) break;
    made += one;
  }
  return made;
}

}  // namespace waybill::telemetry
