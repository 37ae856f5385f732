// Headers that are no texts, on their way out. Pure.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/slice.hpp"
#include "waybill/transport/packet.hpp"

namespace waybill::amqp {

/// Appends the headers of a packet as a table with its size. The property `headers`, a JSON object as receivers see it,
/// gives them types: a header whose text is still the JSON text that stands there is sent as that value, with the type
/// that NestJS's clients pick; and members that are no headers of the packet are sent, too.
/// `own`: the format that reads JSON, if the packet's does not; without one all headers are texts.
/// Errors: invalid_config, when the property is no JSON object.
Result<void> append_headers(Buffer& out, const Packet& packet, const Serializer& own);

}  // namespace waybill::amqp
