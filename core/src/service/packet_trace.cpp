#include "service/packet_trace.hpp"

#include "waybill/fields.hpp"
#include "waybill/format/serializer.hpp"
#include "waybill/payload.hpp"

#include <string>

namespace waybill::detail {

namespace {

constexpr std::size_t k_max_metadata = 64u << 10;  // bytes that are looked at

/// What else there is, is skipped.
struct MetadataTrace {
  Payload traceparent, tracestate, baggage;
};

std::string text_of(const Payload& value) {
  std::string text;
  if (value.empty() || !value.serializer()->decode(value.bytes(), ValueOut::of(text))) text.clear();
  return text;
}

}  // namespace

TraceContext trace_of(const Packet& packet) {
  TraceContext read = TraceContext::of(packet.headers);
  if (!read.empty() || packet.metadata.empty() || packet.metadata.size() > k_max_metadata) return read;
  // What a waybill client writes if there is nothing else, read without a decoder.
  constexpr std::string_view k_head = "{\"traceparent\":\"";
  constexpr std::size_t k_traceparent = 55;
  const std::string_view text = packet.metadata.view();
  if (text.size() == k_head.size() + k_traceparent + 2 && text.starts_with(k_head) && packet.serializer->is_json()) {
    read.parent = Traceparent::parse(text.substr(k_head.size(), k_traceparent));
    if (read.parent) return read;
  }
  MetadataTrace found;
  if (!packet.serializer->decode(packet.metadata, ValueOut::of(found))) return read;
  return TraceContext::of(text_of(found.traceparent), text_of(found.tracestate), text_of(found.baggage));
}

}  // namespace waybill::detail
