#include "source_metrics.hpp"
#include "waybill/opentelemetry.hpp"

#include <opentelemetry/metrics/provider.h>

namespace waybill::opentelemetry {

namespace {

/// Gives each client, listener and HTTP server an observer of its own, and all of them the same instruments.
class Metrics final : public Observer {
 public:
  explicit Metrics(const MetricsOptions& options)
      : instruments_(Instruments::of(options.provider)), max_patterns_(options.max_patterns) {}

  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override {
    switch (source.kind) {
      case ObservedSource::Kind::client:
        return std::make_shared<ClientMetrics>(instruments_, source.url, max_patterns_);
      case ObservedSource::Kind::listener: return std::make_shared<ListenerMetrics>(instruments_, source.url);
      case ObservedSource::Kind::http: break;
    }
    return std::make_shared<HttpMetrics>(instruments_, source.url);
  }

 private:
  std::shared_ptr<const Instruments> instruments_;
  std::size_t max_patterns_;
};

}  // namespace

std::shared_ptr<Observer> metrics(MetricsOptions options) {
  if (!options.provider) options.provider = ::opentelemetry::metrics::Provider::GetMeterProvider();
  return std::make_shared<Metrics>(options);
}

}  // namespace waybill::opentelemetry
