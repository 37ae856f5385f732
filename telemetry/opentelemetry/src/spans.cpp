#include "spans.hpp"

#include "waybill/error.hpp"

#include <opentelemetry/context/context.h>
#include <opentelemetry/trace/span_startoptions.h>

#include <map>

namespace waybill::opentelemetry {

using ::opentelemetry::common::SteadyTimestamp;

std::string error_type(const Error& error) {
  constexpr std::size_t k_longest = 64;
  if (!error.name().empty()) return std::string(error.name().substr(0, k_longest));
  return error.code().message();
}

void OpenSpan::fail(const std::string& type) {
  span->SetAttribute("error.type", type);
  span->SetStatus(api::StatusCode::kError, type);
}

void OpenSpan::end() {
  api::EndSpanOptions options;
  if (done != std::chrono::steady_clock::time_point()) options.end_steady_time = SteadyTimestamp(done);
  span->End(options);
}

bool Spans::wants(TraceContext& trace) const {
  if (trace.parent && trace.parent->is_sampled()) return true;
  const bool begins = !trace.parent;
  trace.step(ratio_);
  if (!begins || !trace.parent->is_sampled()) return false;
  trace.parent.reset();  // the provider begins it
  return true;
}

void Spans::start(std::uint64_t number, const std::string& name, api::SpanKind kind, const Attributes& attributes,
                  LinksParent links, TraceContext& trace) {
  api::StartSpanOptions options;
  options.kind = kind;
  std::vector<std::pair<api::SpanContext, std::map<std::string, std::string>>> linked;
  if (trace.parent) {
    const api::SpanContext parent = span_context(trace);
    options.parent = parent;
    if (links == LinksParent::yes) linked.emplace_back(parent, std::map<std::string, std::string>());
  } else {
    ::opentelemetry::context::Context root;
    options.parent = root.SetValue(api::kIsRootSpanKey, true);
  }
  OpenSpan made{tracer_->StartSpan(name, attributes, linked, options), {}, {}};
  const api::SpanContext context = made.span->GetContext();
  if (!context.IsValid()) return trace.step(0);  // a provider that makes none
  std::string baggage = std::move(trace.baggage);
  trace = trace_context(context);
  trace.baggage = std::move(baggage);
  if (made.span->IsRecording()) open_.insert_or_assign(number, std::move(made));
}

void Spans::end(std::uint64_t number) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  found->second.end();
  open_.erase(found);
}

Attributes Spans::attributes_of(std::string_view operation, std::string_view destination) const {
  Attributes attributes = peer_.attributes_of(operation, destination);
  if (peer_.system == "rabbitmq") {
    const std::string_view key = peer_.queue.empty() ? destination : std::string_view(peer_.queue);
    if (!key.empty()) attributes.emplace_back("messaging.rabbitmq.destination.routing_key", view_of(key));
  }
  return attributes;
}

}  // namespace waybill::opentelemetry
