// How packets cross the broker: as they are, or (wire=true) through their serializer's bytes, as on a real carrier.
// Headers always travel beside the bytes.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"

namespace waybill::memory {

struct Wire {
  bool through_bytes = false;
  const Serializer* serializer = nullptr;  ///< Of packets that have no payload.

  /// An owned packet with the same content. Errors: as Serializer::parse.
  Result<Packet> carry(const Packet& packet, Direction direction) const;
};

}  // namespace waybill::memory
