// Packets in MessagePack: a map with the keys that NestJS's packets have in JSON.
#pragma once

#include "waybill/format/serializer.hpp"

namespace waybill::msgpack {

void compose(const Packet& packet, Buffer& out);
Result<void> parse(const Slice& bytes, Direction direction, Packet& packet);

}  // namespace waybill::msgpack
