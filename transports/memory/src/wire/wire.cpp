#include "wire/wire.hpp"

namespace waybill::memory {

Result<Packet> Wire::carry(const Packet& packet, Direction direction) const {
  Packet carried = packet;
  if (!carried.serializer) carried.serializer = serializer;
  if (!through_bytes || !carried.serializer) return carried.own();
  Buffer composed;
  carried.serializer->compose(carried, composed);
  const Slice bytes = composed.take();
  Packet parsed;
  if (auto read = carried.serializer->parse(bytes, direction, parsed); !read) return read.error();
  parsed.serializer = carried.serializer;
  parsed.route = packet.route;
  parsed.headers = packet.headers;
  return parsed.own();
}

}  // namespace waybill::memory
