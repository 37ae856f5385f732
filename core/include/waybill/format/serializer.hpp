// Serializer: value <-> bytes and packet <-> bytes. A third party adds one by implementing this and registering a name.
#pragma once

#include "waybill/format/model.hpp"
#include "waybill/result.hpp"
#include "waybill/slice.hpp"
#include "waybill/transport/packet.hpp"

#include <string_view>

namespace waybill {

class Payload;

/// Which packets a reader expects: a NestJS server and a NestJS client classify the same bytes differently.
enum class Direction { to_service, to_client };

/// A format, chosen at run time by its name.
///
/// Threads:  const and without visible state: any number of threads may use one object at once.
/// Lifetime: registered serializers live as long as their registry.
/// Safety:   input is untrusted: any bytes give a value or an Error, within the caps on depth (128) and size.
class Serializer {
 public:
  virtual ~Serializer() = default;

  virtual std::string_view name() const noexcept = 0;          ///< "json"
  virtual std::string_view content_type() const noexcept = 0;  ///< "application/json"
  /// True when packets of this format may be a JSON text: NestJS's text framing can carry it.
  virtual bool is_json() const noexcept { return false; }

  /// Appends `value`. On an error `out` is as long as before.
  /// Errors: payload_mismatch (text that is not UTF-8, and the like; with a path), too_large (depth).
  virtual Result<void> encode(ValueRef value, Buffer& out) const = 0;

  /// Fills `out` from a whole payload: nothing but white space may follow the value. A Payload of bytes that are
  /// Slice::is_unseen() may be made of them unchecked: it checks them when it is looked at. lend() likewise.
  /// Errors: payload_malformed; payload_mismatch with the path of what does not fit, what was expected and found; so does
  /// what is nested deeper than k_max_depth, or would take too much memory.
  virtual Result<void> decode(const Slice& payload, ValueOut out) const = 0;

  /// The payload undecoded, checked to be one whole value; nothing at all is an empty Payload. Views the bytes of
  /// `payload` where these need no change. Errors: payload_malformed, payload_mismatch (depth).
  virtual Result<Payload> lend(const Slice& payload) const;

  /// Appends the packet. The payload and the metadata go in as the bytes that they are.
  /// REQUIRES: packet.serializer == this, or no payload and no metadata.
  virtual void compose(const Packet& packet, Buffer& out) const = 0;

  /// Reads into a fresh packet; its views point into `bytes`, or into storage that the packet keeps (Packet::keep).
  /// What is not a packet of the protocol is classified as NestJS does (docs/wire-format.md): towards a service an
  /// event without pattern whose payload is everything; towards a client the last value, everything being its payload.
  /// However deep its payload is nested: who decodes it is told. Errors: payload_malformed.
  virtual Result<void> parse(const Slice& bytes, Direction direction, Packet& packet) const = 0;
};

}  // namespace waybill
