#include "instruments.hpp"

#include <opentelemetry/context/context.h>
#include <opentelemetry/metrics/meter.h>

#include <map>
#include <mutex>

namespace waybill::opentelemetry {

std::shared_ptr<const Instruments> Instruments::of(const Provider& provider) {
  static std::mutex mutex;
  static std::map<const void*, std::weak_ptr<const Instruments>> all;  // who has some keeps their provider
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<const Instruments>& known = all[provider.get()];
  std::shared_ptr<const Instruments> instruments = known.lock();
  if (!instruments) known = instruments = std::shared_ptr<const Instruments>(new Instruments(provider));
  return instruments;
}

// Names, units and texts: "Semantic Conventions for Messaging Client Metrics" and "... for HTTP Metrics"; those that begin with
// waybill are ours.
Instruments::Instruments(const Provider& provider) : provider_(provider) {
  const auto meter = provider->GetMeter("waybill");
  sent = meter->CreateUInt64Counter("messaging.client.sent.messages", "Messages that a producer sent.", "{message}");
  consumed = meter->CreateUInt64Counter("messaging.client.consumed.messages", "Messages that came to a consumer.",
                                        "{message}");
  settled = meter->CreateUInt64Counter("waybill.settled.messages", "Messages by what became of them.", "{message}");
  reconnects = meter->CreateUInt64Counter("waybill.reconnects", "Links that were lost and are back.", "{link}");
  call = meter->CreateDoubleHistogram("messaging.client.operation.duration",
                                      "From a call to its answer, or to its handing over.", "s");
  process = meter->CreateDoubleHistogram("messaging.process.duration",
                                         "From the coming of a message to the end of its handlers.", "s");
  http =
      meter->CreateDoubleHistogram("http.server.request.duration", "From a whole request to its whole response.", "s");
  http_active =
      meter->CreateInt64UpDownCounter("http.server.active_requests", "Requests that have not ended.", "{request}");
  http_received = meter->CreateUInt64Histogram("http.server.request.body.size", "Bytes of bodies of requests.", "By");
  http_sent = meter->CreateUInt64Histogram("http.server.response.body.size", "Bytes of bodies of responses.", "By");
}

void Instruments::record(const Duration& into, std::chrono::nanoseconds took, const Attributes& attributes) noexcept {
  into->Record(std::chrono::duration<double>(took).count(), attributes, ::opentelemetry::context::Context());
}

void Instruments::record(const Size& into, std::uint64_t bytes, const Attributes& attributes) noexcept {
  into->Record(bytes, attributes, ::opentelemetry::context::Context());
}

}  // namespace waybill::opentelemetry
