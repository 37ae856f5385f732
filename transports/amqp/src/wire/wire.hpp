// Packet <-> message, as NestJS has them. Pure: no broker, no socket.
//
//              exchange, routing key     properties, always with headers                        body
//   request    of the URL                delivery-mode, correlation-id, reply-to, expiration    packet with id
//   event      of the URL                delivery-mode                                          packet without id
//   reply      "", the request's own     correlation-id of the request                          packet without id
//   no handler "", the request's own     correlation-id of the request                          packet with id
// Headers of the packet are the headers of the message; properties by the names in docs/transports/amqp.md. How long a
// caller waits is the expiration of its request. Formats other than JSON are named by the content-type.
#pragma once

#include "protocol/message_frames.hpp"
#include "protocol/properties.hpp"
#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace waybill::amqp {

/// What a message needs besides its packet. Views.
struct Envelope {
  ChannelId channel = 1;
  std::string_view exchange;
  std::string_view routing_key;
  bool mandatory = false;
  std::uint8_t delivery_mode = 0;  ///< 1 transient, 2 persistent, 0 unsaid; a property of the packet wins.
  std::optional<std::string_view> correlation_id;
  std::string_view reply_to;  ///< Empty: none.
};

/// Appends method, header and body frames. `own`: the format of packets without payload. On an error `out` is as before.
/// Errors: unsupported, invalid_config (a property that AMQP does not have or that is none), too_large (a name).
Result<Layout> append_message(Buffer& out, const Envelope& envelope, const Packet& packet, const Serializer& own,
                              std::uint32_t frame_max);

/// Which format a message has.
class Formats {
 public:
  Formats(const Serializer& own, const Registry& registry) noexcept;
  const Serializer& own() const noexcept { return *own_; }
  /// By its content-type; without one JSON, or our own where there is none. Null for a format that is not there.
  const Serializer* of(const Properties& properties) const noexcept;

 private:
  const Serializer* own_;
  const Serializer* plain_;
  const Registry* registry_;
};

/// A message towards a service. Views of the packet point into properties and body.
/// Errors: payload_malformed, too_large.
Result<void> parse_delivery(const Properties& properties, const Slice& body, const Formats& formats, Packet& packet);
/// A reply; its id is the correlation id. What is no packet is the value, text that is no JSON included.
/// Errors: payload_malformed, too_large.
Result<void> parse_reply(const Properties& properties, const Slice& body, const Formats& formats, Buffer& scratch,
                         Packet& packet);

/// What quorum queues count in: how often they gave the message out before. Not sent on: the copy's count begins anew.
inline constexpr std::string_view k_delivery_count = "x-delivery-count";

/// Which delivery of the message this is, from 1: waybill's header says how many were counted when it was sent, and a
/// quorum queue how often it was given out since, to processes that died among others.
int attempt_of(const Headers& headers) noexcept;

/// True for what a broker may have given out as a reply address: no control characters, at most 255 bytes, not empty.
bool is_reply_address(std::string_view name) noexcept;

}  // namespace waybill::amqp
