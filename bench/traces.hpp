// What traces a program of the benchmarks: --traces none | observer | middleware | steps | spans, --ratio 0.01.
#pragma once

#include "harness.hpp"
#include "waybill/middleware.hpp"
#include "waybill/observer.hpp"

#include <memory>
#include <stdexcept>
#include <string>

#if WAYBILL_BENCH_OPENTELEMETRY
#include <waybill/opentelemetry.hpp>

#include <opentelemetry/exporters/memory/in_memory_span_data.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#endif

namespace bench {

/// Makes steps and no spans: what the library itself costs.
class Steps final : public waybill::Observer {
 public:
  explicit Steps(double ratio) : ratio_(ratio) {}
  bool traces() const noexcept override { return true; }
  void call_traced(const waybill::ObservedCall&, waybill::TraceContext& trace) noexcept override { trace.step(ratio_); }
  void message_traced(const waybill::ObservedMessage&, waybill::TraceContext& trace) noexcept override {
    trace.step(ratio_);
  }

 private:
  double ratio_;
};

#if WAYBILL_BENCH_OPENTELEMETRY
inline std::shared_ptr<waybill::Observer> spans(double ratio) {
  namespace memory = opentelemetry::exporter::memory;
  namespace sdk = opentelemetry::sdk::trace;
  static std::shared_ptr<memory::InMemorySpanData> data;
  auto exporter = memory::InMemorySpanExporterFactory::Create(data, 1000);  // a ring: the oldest are forgotten
  waybill::opentelemetry::TracingOptions options;
  options.ratio = ratio;
  options.provider = opentelemetry::nostd::shared_ptr<opentelemetry::trace::TracerProvider>(
      sdk::TracerProviderFactory::Create(
          sdk::BatchSpanProcessorFactory::Create(std::move(exporter), sdk::BatchSpanProcessorOptions()))
          .release());
  return waybill::opentelemetry::tracing(options);
}
#endif

/// For a waybill::Service or a waybill::Client.
template <class Traced>
void trace(Traced& traced, const Arguments& arguments) {
  const std::string how = arguments.text("traces", "none");
  const double ratio = std::stod(arguments.text("ratio", "0.01"));
  if (how == "none") return;
  if (how == "middleware") {
    waybill::middleware::TraceOptions options;
    options.ratio = ratio;
    traced.use(waybill::middleware::trace(options));
  } else if (how == "observer") {
    traced.observe(std::make_shared<waybill::Observer>());
  } else if (how == "steps") {
    traced.observe(std::make_shared<Steps>(ratio));
#if WAYBILL_BENCH_OPENTELEMETRY
  } else if (how == "spans") {
    traced.observe(spans(ratio));
#endif
  } else {
    throw std::runtime_error("--traces: none, observer, middleware, steps or, with waybill::opentelemetry, spans");
  }
}

}  // namespace bench
