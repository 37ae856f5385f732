// Metrics that were recorded, as a test looks at them.
#pragma once

#include "recorded_spans.hpp"

#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/meter_provider_factory.h>
#include <opentelemetry/sdk/metrics/metric_reader.h>

namespace waybill::test {

struct RecordedSeries {
  std::string name, unit;
  std::map<std::string, std::string> attributes;
  double value = 0;         ///< Of a counter, or the sum of a histogram.
  std::uint64_t count = 0;  ///< Of a histogram.
  std::string at(const std::string& attribute) const {
    const auto found = attributes.find(attribute);
    return found == attributes.end() ? "(none)" : found->second;
  }
};

/// A provider whose figures are read when they are asked for.
class RecordedMetrics {
 public:
  RecordedMetrics() : reader_(std::make_shared<Reader>()) {
    auto made = ::opentelemetry::sdk::metrics::MeterProviderFactory::Create();
    static_cast<::opentelemetry::sdk::metrics::MeterProvider&>(*made).AddMetricReader(reader_);
    provider_ = ::opentelemetry::nostd::shared_ptr<::opentelemetry::metrics::MeterProvider>(made.release());
  }
  std::shared_ptr<Observer> metrics(std::size_t max_patterns = 100) const {
    opentelemetry::MetricsOptions options;
    options.provider = provider_;
    options.max_patterns = max_patterns;
    return opentelemetry::metrics(options);
  }
  /// All of that name as they are now; of counters and histograms since the beginning.
  std::vector<RecordedSeries> of(const std::string& name) {
    std::vector<RecordedSeries> found;
    reader_->Collect([&](::opentelemetry::sdk::metrics::ResourceMetrics& all) {
      for (const auto& scope : all.scope_metric_data_) {
        for (const auto& metric : scope.metric_data_) {
          if (metric.instrument_descriptor.name_ != name) continue;
          for (const auto& point : metric.point_data_attr_) found.push_back(series_of(metric, point));
        }
      }
      return true;
    });
    return found;
  }
  /// The one of that name whose attribute has that value.
  RecordedSeries of(const std::string& name, const std::string& attribute, const std::string& value) {
    for (RecordedSeries& series : of(name)) {
      if (series.at(attribute) == value) return series;
    }
    ADD_FAILURE() << "no " << name << " with " << attribute << '=' << value;
    return {};
  }

 private:
  class Reader final : public ::opentelemetry::sdk::metrics::MetricReader {
   public:
    ::opentelemetry::sdk::metrics::AggregationTemporality GetAggregationTemporality(
        ::opentelemetry::sdk::metrics::InstrumentType) const noexcept override {
      return ::opentelemetry::sdk::metrics::AggregationTemporality::kCumulative;
    }

   private:
    bool OnForceFlush(std::chrono::microseconds) noexcept override { return true; }
    bool OnShutDown(std::chrono::microseconds) noexcept override { return true; }
  };

  template <class Metric, class Point>
  static RecordedSeries series_of(const Metric& metric, const Point& point) {
    namespace sdk_metrics = ::opentelemetry::sdk::metrics;
    const auto number = [](const auto& value) {
      return ::opentelemetry::nostd::visit([](auto one) { return static_cast<double>(one); }, value);
    };
    RecordedSeries series;
    series.name = metric.instrument_descriptor.name_;
    series.unit = metric.instrument_descriptor.unit_;
    series.attributes = texts_of(point.attributes);
    if (const auto* sum = ::opentelemetry::nostd::get_if<sdk_metrics::SumPointData>(&point.point_data))
      series.value = number(sum->value_);
    if (const auto* histogram = ::opentelemetry::nostd::get_if<sdk_metrics::HistogramPointData>(&point.point_data)) {
      series.value = number(histogram->sum_);
      series.count = histogram->count_;
    }
    return series;
  }

  std::shared_ptr<Reader> reader_;
  ::opentelemetry::nostd::shared_ptr<::opentelemetry::metrics::MeterProvider> provider_;
};

}  // namespace waybill::test
