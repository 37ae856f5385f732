#include "source_spans.hpp"
#include "waybill/error.hpp"

#include <opentelemetry/common/timestamp.h>

namespace waybill::opentelemetry {

namespace {

const char* event_of(Fate fate) noexcept {
  switch (fate) {
    case Fate::retried: return "waybill.retry";
    case Fate::parked: return "waybill.parked";
    case Fate::dropped: return "waybill.dropped";
    case Fate::acknowledged: break;
  }
  return nullptr;
}

}  // namespace

void ListenerSpans::message_traced(const ObservedMessage& message, TraceContext& trace) noexcept {
  if (!wants(trace)) return;
  Attributes attributes = attributes_of("process", message.pattern);
  attributes.emplace_back("messaging.message.body.size", static_cast<std::int64_t>(message.received));
  if (!peer_.group.empty()) attributes.emplace_back("messaging.consumer.group.name", view_of(peer_.group));
  if (message.attempt > 1) attributes.emplace_back("waybill.attempt", message.attempt);
  const std::string name = message.pattern.empty() ? "process" : "process " + std::string(message.pattern);
  // Of an event several may be handlers, and later: it is linked to as well.
  start(message.number, name, api::SpanKind::kConsumer, attributes,
        message.is_request ? LinksParent::no : LinksParent::yes, trace);
}

void ListenerSpans::message_handled(const ObservedMessage& message, const Error* error,
                                    std::chrono::nanoseconds) noexcept {
  OpenSpan* const open = find(message.number);
  if (!open) return;
  open->done = std::chrono::steady_clock::now();
  open->done_at = std::chrono::system_clock::now();
  if (error) open->fail(error_type(*error));
}

void ListenerSpans::message_settled(const ObservedMessage& message, Fate fate) noexcept {
  OpenSpan* const open = find(message.number);
  if (!open) return;
  if (const char* event = event_of(fate)) {
    const bool is_done = open->done != std::chrono::steady_clock::time_point();
    if (!is_done && fate != Fate::retried) open->fail("no_handler");
    open->span->AddEvent(event, is_done ? open->done_at : std::chrono::system_clock::now(),
                         {{"waybill.attempt", message.attempt}});
  }
  end(message.number);
}

}  // namespace waybill::opentelemetry
