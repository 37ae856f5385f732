// Spans (docs/traces.md) and metrics (docs/metrics.md) of OpenTelemetry for calls, messages and HTTP requests, by its semantic
// conventions.
#pragma once

#include "waybill/observer.hpp"
#include "waybill/trace.hpp"

#include <opentelemetry/metrics/meter_provider.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/tracer_provider.h>

#include <cstddef>
#include <memory>

namespace waybill::opentelemetry {

struct TracingOptions {
  /// Makes the spans, and has the last word on what is recorded. Null: the global one, as it is when tracing() is called.
  ::opentelemetry::nostd::shared_ptr<::opentelemetry::trace::TracerProvider> provider;
  /// It is asked for so many of the traces that begin here, from 0 to 1, and for each step of a sampled trace from elsewhere.
  /// What it is not asked for costs little, and goes on as an unsampled trace.
  double ratio = 1;
};

/// For Application::observe(), Client::observe(), Service::observe() and http::Server::observe(); one will do for all.
/// Throws Error(invalid_config) for a ratio that is no share.
///
/// Threads: those of whom it observes. What the provider does with a span that ends stands in the way of messages: give it a
///          processor that works elsewhere, such as the SDK's BatchSpanProcessor.
std::shared_ptr<Observer> tracing(TracingOptions options = TracingOptions());

struct MetricsOptions {
  /// Keeps the instruments. Null: the global one, as it is when metrics() is called.
  ::opentelemetry::nostd::shared_ptr<::opentelemetry::metrics::MeterProvider> provider;
  /// Of so many patterns of a client there are figures each; what it calls beyond them is told as "_OTHER".
  std::size_t max_patterns = 100;
};

/// Durations and counts; the names are in docs/metrics.md. Given to the same as tracing(), also beside it.
///
/// Threads: those of whom it observes.
std::shared_ptr<Observer> metrics(MetricsOptions options = MetricsOptions());

/// For spans of one's own in a handler: `options.parent = span_context(context.trace())`.
::opentelemetry::trace::SpanContext span_context(const TraceContext& trace);
/// For calls under a span of one's own: `trace_context(span->GetContext()).write_to(options.headers)`.
TraceContext trace_context(const ::opentelemetry::trace::SpanContext& span);

}  // namespace waybill::opentelemetry
