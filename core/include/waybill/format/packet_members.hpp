// Packets are the same in every format: an object with NestJS's keys. This classifies one once its members are found.
// For serializers, also from outside (docs/adding-a-serializer.md).
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/transport/packet.hpp"

#include <string>
#include <string_view>

namespace waybill::format {

/// The members of a packet, each as the bytes of its value; empty: absent. The last of equal names wins.
struct PacketMembers {
  std::string_view pattern, data, metadata, id, response, is_disposed, err;
  bool has_other = false;  ///< A name that no packet has.
  bool is_empty = true;

  void set(std::string_view name, std::string_view value);
};

/// What classification needs to know of a format.
struct PacketFormat {
  /// A pattern or an id. A text's content if need be in `storage`, other values as JSON text.
  Term (*term)(std::string_view value, std::string& storage);
  /// As JavaScript sees it in a condition: null, false, 0 and the empty text are false.
  bool (*is_truthy)(std::string_view value);
};

/// An id that is not there, on replies: where the carrier has one, NestJS sends none.
inline constexpr Term k_no_id{{}, true};

/// Fills `packet` from the members of a packet. Views point into `bytes`, or into storage that the packet keeps. `whole` is the packet's value: the payload, if this is no packet of the protocol. No members: the value
/// is no object.
void classify_packet(const Slice& bytes, std::string_view whole, const PacketMembers* members, Direction direction,
                     const PacketFormat& format, Packet& packet);

}  // namespace waybill::format
