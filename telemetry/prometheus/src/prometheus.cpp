#include "waybill/prometheus.hpp"

#include "client_source.hpp"
#include "http_source.hpp"
#include "listener_source.hpp"
#include "waybill/transport/held_bytes.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace waybill {

using telemetry::Page;
using telemetry::Source;

class Prometheus::Core final : public ::prometheus::Collectable {
 public:
  explicit Core(PrometheusOptions options) : options_(std::move(options)) {
    double before = 0;
    for (const double bound : options_.buckets) {
      if (!std::isfinite(bound) || bound <= before || bound > 1e9) {
        throw Error(errc::invalid_config, "the buckets of metrics are seconds, each longer than the one before",
                    End::rejected);
      }
      before = bound;
      bounds_->seconds.push_back(bound);
      bounds_->nanoseconds.push_back(static_cast<std::int64_t>(bound * 1e9));
    }
  }

  std::shared_ptr<Observer> add(const ObservedSource& source) {
    const std::lock_guard lock(mutex_);
    retire();
    std::shared_ptr<Source> made = make(source);
    sources_.push_back(made);
    return {made.get(), [made, bounds = bounds_](Observer*) {}};
  }

  std::vector<::prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    retire();
    Page page = retired_;
    for (const auto& source : sources_) source->collect(page, Source::Part::all);
    page.add(telemetry::names::k_held, {}, static_cast<double>(transport::held_bytes()));
    if (const std::size_t limit = transport::held_limit())
      page.add(telemetry::names::k_held_limit, {}, static_cast<double>(limit));
    return page.families(*bounds_);
  }

 private:
  std::shared_ptr<Source> make(const ObservedSource& source) {
    if (source.kind == ObservedSource::Kind::http)
      return std::make_shared<telemetry::HttpSource>(source.routes, *bounds_);
    std::string url = telemetry::label_text(source.url);
    if (!urls_.contains(url)) {
      if (urls_.size() < options_.max_urls)
        urls_.insert(url);
      else
        url = telemetry::k_other;
    }
    if (source.kind == ObservedSource::Kind::listener)
      return std::make_shared<telemetry::ListenerSource>(std::move(url), source.routes, *bounds_);
    return std::make_shared<telemetry::ClientSource>(std::move(url), options_.max_patterns, *bounds_);
  }

  /// Adds what nobody tells anything any more to the sums of such. REQUIRES: the lock.
  void retire() const {
    const auto gone = std::stable_partition(sources_.begin(), sources_.end(),
                                            [](const auto& source) { return source.use_count() > 1; });
    std::atomic_thread_fence(std::memory_order_acquire);
    for (auto source = gone; source != sources_.end(); ++source) (*source)->collect(retired_, Source::Part::counts);
    sources_.erase(gone, sources_.end());
  }

  PrometheusOptions options_;
  std::shared_ptr<telemetry::Bounds> bounds_ = std::make_shared<telemetry::Bounds>();
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<Source>> sources_;
  mutable Page retired_;
  std::set<std::string> urls_;
};

Prometheus::Prometheus(PrometheusOptions options) : core_(std::make_shared<Core>(std::move(options))) {}
Prometheus::~Prometheus() = default;

std::shared_ptr<Observer> Prometheus::observer_of(const ObservedSource& source) { return core_->add(source); }
std::string Prometheus::text() const { return ::prometheus::TextSerializer().Serialize(core_->Collect()); }
std::shared_ptr<::prometheus::Collectable> Prometheus::collectable() const { return core_; }

}  // namespace waybill
