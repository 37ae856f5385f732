#include "waybill/opentelemetry.hpp"

#include "source_spans.hpp"
#include "waybill/error.hpp"

#include <opentelemetry/trace/provider.h>
#include <opentelemetry/trace/trace_state.h>

namespace waybill::opentelemetry {

namespace {

namespace nostd = ::opentelemetry::nostd;

/// Gives each client, listener and HTTP server spans of its own.
class Tracing final : public Observer {
 public:
  Tracing(nostd::shared_ptr<api::Tracer> tracer, double ratio) : tracer_(std::move(tracer)), ratio_(ratio) {}

  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override {
    switch (source.kind) {
      case ObservedSource::Kind::client: return std::make_shared<ClientSpans>(tracer_, ratio_, source.url);
      case ObservedSource::Kind::listener: return std::make_shared<ListenerSpans>(tracer_, ratio_, source.url);
      case ObservedSource::Kind::http: break;
    }
    return std::make_shared<HttpSpans>(tracer_, ratio_, source.url);
  }

 private:
  nostd::shared_ptr<api::Tracer> tracer_;
  double ratio_;
};

}  // namespace

std::shared_ptr<Observer> tracing(TracingOptions options) {
  if (!(options.ratio >= 0 && options.ratio <= 1)) {
    throw Error(errc::invalid_config, "tracing: ratio must be a share from 0 to 1", End::rejected);
  }
  if (!options.provider) options.provider = api::Provider::GetTracerProvider();
  return std::make_shared<Tracing>(options.provider->GetTracer("waybill"), options.ratio);
}

api::SpanContext span_context(const TraceContext& trace) {
  if (!trace.parent) return api::SpanContext::GetInvalid();
  const Traceparent& parent = *trace.parent;
  const nostd::span<const std::uint8_t, 16> trace_id(parent.trace_id.data(), 16);
  const nostd::span<const std::uint8_t, 8> span_id(parent.parent_id.data(), 8);
  return {api::TraceId(trace_id), api::SpanId(span_id), api::TraceFlags(parent.flags), true,
          api::TraceState::FromHeader(view_of(trace.state))};
}

TraceContext trace_context(const api::SpanContext& span) {
  TraceContext trace;
  if (!span.IsValid()) return trace;
  Traceparent parent;
  span.trace_id().CopyBytesTo(parent.trace_id);
  span.span_id().CopyBytesTo(parent.parent_id);
  parent.flags = span.trace_flags().flags();
  trace.parent = parent;
  if (span.trace_state()) trace.state = span.trace_state()->ToHeader();
  return trace;
}

}  // namespace waybill::opentelemetry
