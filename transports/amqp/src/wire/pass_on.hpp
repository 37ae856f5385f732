// A message that is sent once more as it came: retried, parked, replayed. Pure.
//
// Properties, headers with their types and the body stay bytes; what is changed is waybill's own marks, and what the
// broker would mind or act upon: user-id (it must be the sender's own; kept as a header), CC and BCC (they would send
// copies again), the count of a quorum queue, and on the way to a dead-letter queue the expiration.
#pragma once

#include "wire/wire.hpp"

#include <string_view>

namespace waybill::amqp {

/// What a copy says of itself. All own marks that the message came with are taken off first.
struct Marks {
  int attempt = 0;          ///< 0: none.
  std::string_view error;   ///< On a dead letter: why; cut at k_longest_error.
  std::string_view origin;  ///< On a dead letter: the queue; empty: it is none.
  std::string_view route;   ///< Where it was routed to, of a message without a pattern; empty: it has one, or says so.
  bool is_dead() const noexcept { return !origin.empty(); }
};

inline constexpr std::size_t k_longest_error = 4'096;                 // bytes
inline constexpr std::string_view k_user_header = "waybill-user-id";  ///< Whose message it was.
inline constexpr std::string_view k_route_header = "waybill-route";   ///< A copy's own routing key is the queue's name.

/// `message`: from the payload of its header frame to the end of its body (Delivery::message).
/// Errors: payload_malformed, too_large (its headers, with the marks). On an error `out` is as before.
Result<Layout> append_again(Buffer& out, const Envelope& envelope, std::string_view message, const Marks& marks,
                            std::uint32_t frame_max);
/// The same with none of its properties and headers, for one whose own leave no room for the marks or cannot be read.
Result<Layout> append_bare(Buffer& out, const Envelope& envelope, std::string_view message, const Marks& marks,
                           std::uint32_t frame_max);

}  // namespace waybill::amqp
