// Packets as the bodies of published messages, and back.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"

#include <cstddef>
#include <string_view>

namespace waybill::redis {

/// Writes PUBLISH commands, bodies composed in place.
class PublishWriter {
 public:
  explicit PublishWriter(std::size_t max_message) noexcept : max_message_(max_message) {}

  /// Appends the command; `head` is publish_head() of the channel. On an error `out` is as long as before.
  /// Errors: too_large.
  Result<void> write(std::string_view head, const Packet& packet, const Serializer& serializer, Buffer& out);

 private:
  const std::size_t max_message_;
  std::size_t digits_ = 3;  // of the last body's length: bodies of a row have about the same
};

/// The same packet under another id, borrowing what it sees.
Packet with_id(const Packet& packet, std::string_view id);

/// A client's mark goes behind its ids, so that it knows its replies among those of others on the same channel before
/// it parses anything: `~` and 8 letters or digits.
inline constexpr std::size_t k_mark_size = 9;
std::string random_mark();
/// The mark at the end of an id; empty if there is none. Ids of others may look the same: whoever takes it off must put
/// it back.
std::string_view mark_of(Term id) noexcept;

/// Reads what a service received. A body that is no packet is an event whose payload it is; text that is not even JSON
/// becomes a text payload, as NestJS has it. `packet` must be fresh; its views are those of `body`, or of `storage`.
/// Errors: payload_malformed, too_large: nothing can be made of it.
Result<void> parse_incoming(const Slice& body, const Serializer& serializer, Buffer& storage, Packet& packet);

/// True for a body that is a reply packet: a service's own replies come back to its glob subscriptions.
bool is_reply(const Slice& body, const Serializer& serializer);

}  // namespace waybill::redis
