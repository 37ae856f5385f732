#include "source_spans.hpp"
#include "waybill/error.hpp"

namespace waybill::opentelemetry {

void ClientSpans::call_traced(const ObservedCall& call, TraceContext& trace) noexcept {
  if (!wants(trace)) return;
  Attributes attributes = attributes_of("send", call.pattern);
  attributes.emplace_back("messaging.message.body.size", static_cast<std::int64_t>(call.sent));
  // Who waits for an answer is a client, who leaves the message to others is a producer.
  start(call.number, "send " + std::string(call.pattern),
        call.is_request ? api::SpanKind::kClient : api::SpanKind::kProducer, attributes, LinksParent::no, trace);
}

void ClientSpans::call_repeated(const ObservedCall& call, int attempt, const Error& why) noexcept {
  OpenSpan* const open = find(call.number);
  if (!open) return;
  const std::string type = error_type(why);
  open->span->AddEvent("waybill.retry", {{"waybill.attempt", attempt}, {"error.type", type}});
  open->span->SetAttribute("waybill.attempt", attempt);
}

void ClientSpans::call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds) noexcept {
  OpenSpan* const open = find(call.number);
  if (!open) return;
  if (error) open->fail(error_type(*error));
  end(call.number);
}

}  // namespace waybill::opentelemetry
