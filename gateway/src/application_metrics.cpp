// The page of metrics of an application.
#include "application_core.hpp"

#if WAYBILL_HAS_PROMETHEUS
#include "waybill/prometheus.hpp"
#endif

#include <memory>

namespace waybill {

#if WAYBILL_HAS_PROMETHEUS

void Application::Core::add_metrics() {
  if (!http_) {
    throw Error(errc::invalid_config, "metrics: the application serves no HTTP: set `http:` as well", End::rejected);
  }
  PrometheusOptions options;
  if (!config_.metrics->buckets.empty()) options.buckets = config_.metrics->buckets;
  const auto metrics = std::make_shared<Prometheus>(options);
  observe(metrics);
  http_->get(config_.metrics->path, [metrics] {
    http::Response page = http::Response::text(metrics->text());
    page.fields.set("Content-Type", Prometheus::k_content_type);
    return page;
  });
  http_->hidden();
}

#else

void Application::Core::add_metrics() {
  throw Error(errc::invalid_config,
              "metrics: this copy of waybill was built without them; configure it with -DWAYBILL_WITH_PROMETHEUS=ON",
              End::rejected);
}

#endif

}  // namespace waybill
