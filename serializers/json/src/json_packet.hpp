// Packets in JSON: the envelope around payloads, written and read without touching them.
#pragma once

#include "waybill/format/serializer.hpp"

namespace waybill::json {

void compose(const Packet& packet, Buffer& out);

/// The layout that NestJS and waybill write, read by looking at head and tail only. False: another layout; nothing is
/// known then. On success the payload is one bracketed or scalar stretch of text, but perhaps no valid JSON.
bool parse_known_layout(const Slice& bytes, Direction direction, Packet& packet);

/// Any layout, checked byte by byte.
Result<void> parse_any_layout(const Slice& bytes, Direction direction, Packet& packet);

}  // namespace waybill::json
