// Prometheus: what services, clients and HTTP servers do, counted, as a page that a Prometheus server reads.
#pragma once

#include "waybill/observer.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Collectable;
}  // namespace prometheus

namespace waybill {

struct PrometheusOptions {
  /// Upper bounds of the histograms of durations, in seconds, ascending.
  std::vector<double> buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                              0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  std::size_t max_patterns = 200;  ///< Of one client, of requests and of events; what goes beyond counts as "(other)".
  std::size_t max_urls = 100;      ///< The same of clients and listeners.
};

/// Counts what it is told, without a lock and without looking anything up that can be kept: each client, listener and server
/// has counters of its own, which only its loop writes. docs/metrics.md has all names.
///
///   auto metrics = std::make_shared<waybill::Prometheus>();
///   service.observe(metrics);   // also clients, an http::Server, or all at once: Application::observe()
///
/// Threads:  text() and collectable() from any.
/// Lifetime: counts of clients and listeners that are gone stay in the sums.
class Prometheus final : public Observer {
 public:
  /// The Content-Type of text().
  static constexpr std::string_view k_content_type = "text/plain; version=0.0.4; charset=utf-8";

  /// Throws Error(invalid_config) for buckets that do not ascend.
  explicit Prometheus(PrometheusOptions options = {});
  ~Prometheus() override;

  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override;

  /// The page, for a program that has an HTTP server of its own.
  std::string text() const;
  /// The same for a registry or an exposer of prometheus-cpp.
  std::shared_ptr<::prometheus::Collectable> collectable() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace waybill
