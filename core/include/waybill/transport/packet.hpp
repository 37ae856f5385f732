// Packet: the transport-neutral message that every carrier carries.
#pragma once

#include "waybill/headers.hpp"
#include "waybill/slice.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace waybill {

class Serializer;

/// A pattern or an id as it is on the wire: the content of a text, or (is_json) the JSON text of any other value.
struct Term {
  std::string_view text;
  bool is_json = false;
};

enum class PacketKind : std::uint8_t {
  request,     ///< Has an id; wants replies.
  event,       ///< Has no id.
  value,       ///< One reply value; `last` if the reply ends with it.
  error,       ///< The reply ends with an error; the payload is NestJS's `err`.
  end,         ///< The reply ends without (a further) value.
  no_handler,  ///< The reply ends: nobody handles the pattern.
};

/// One message with its headers. All views are borrowed: whoever hands a packet out keeps what it sees alive until the
/// call returns; own() makes a packet that keeps itself alive.
struct Packet {
  Packet() noexcept {}  // NOLINT: member by member; as a default it clears all of itself before that

  PacketKind kind = PacketKind::event;
  bool last = false;         ///< On a value: the reply ends with it.
  bool has_payload = false;  ///< False is JavaScript's `undefined`; a null payload is a payload.
  bool has_pattern = false;  ///< False only on replies and on payloads from outside the protocol.

  Term pattern;                           ///< As the caller gave it.
  std::string_view route;                 ///< Outgoing: the pattern's normalized text. Incoming: the channel, or empty.
  Term id;                                ///< Correlation id; on replies the one of the request.
  std::chrono::milliseconds deadline{0};  ///< How long the caller still waits, where the carrier tells; 0: unknown.
  Slice payload;                          ///< Encoded by `serializer`; of an incoming packet nobody has looked into it.
  const Serializer* serializer = nullptr;  ///< Of payload and metadata. Outlives the packet.

  Headers headers;
  Headers properties;  ///< Outgoing: what the transport itself knows, by its own names (priority, key, qos ...).
  Slice metadata;      ///< NestJS's `metadata` value, encoded by `serializer`; empty if absent.

  /// A packet with the same content that shares ownership of all it sees.
  Packet own() const;
  /// No headers and properties, no metadata, and nothing that it owns: a parser that sets all else may fill it again.
  bool is_plain() const noexcept {
    return headers.empty() && properties.empty() && metadata.empty() && !payload.is_owned() && !storage_.is_owned();
  }
  /// Keeps bytes alive that pattern, route or id see. For parsers, where these do not stand in the packet's own bytes.
  void keep(Slice storage) noexcept { storage_ = std::move(storage); }

 private:
  Slice storage_;  // of pattern, route and id, if they have one of their own
};

}  // namespace waybill
