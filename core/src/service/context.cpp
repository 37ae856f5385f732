#include "waybill/context.hpp"

#include "waybill/time.hpp"
#include "waybill/transport/packet.hpp"

#include <algorithm>

namespace waybill {

namespace {
Payload keep(const Slice& bytes, const Packet& packet) { return packet.serializer->lend(bytes).value().own(); }
}  // namespace

bool Context::is_request() const noexcept { return packet().kind == PacketKind::request; }

std::string_view Context::pattern() const noexcept {
  return packet().has_pattern ? packet().pattern.text : packet().route;
}

std::string_view Context::channel() const noexcept {
  return packet().route.empty() ? packet().pattern.text : packet().route;
}

bool Context::has_payload() const noexcept { return packet().has_payload; }
Payload Context::payload() const { return has_payload() ? keep(packet().payload, packet()) : Payload(); }
Payload Context::metadata() const { return packet().metadata.empty() ? Payload() : keep(packet().metadata, packet()); }
CallOptions Context::call_options() const {
  CallOptions options;
  trace().write_to(options.headers);
  const auto until = deadline();
  if (until && *until != std::chrono::steady_clock::time_point::max()) {
    const auto left = *until - detail::Clock::of(executor()).now();
    options.time_left = std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(left));
  }
  return options;
}

const Headers& Context::properties() const noexcept { return packet().properties; }

}  // namespace waybill
