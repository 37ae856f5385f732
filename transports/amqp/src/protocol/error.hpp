// AMQP's reply codes as an error category that maps to waybill's conditions, and the sentences made from them.
#pragma once

#include "waybill/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace waybill::amqp {

const std::error_category& amqp_category() noexcept;

/// What the broker said with connection.close or channel.close. `what`: what was asked for, for people ("declaring the
/// queue orders"); empty: nothing in particular. `method`: of a channel.close, which one it was for; 0: none. Known cases
/// become a sentence that says what to change.
Error broker_error(std::uint16_t code, std::string_view text, std::string_view what, End end, std::uint32_t method = 0);

/// The broker gave a message back (basic.return). `rejected`: no queue took it; `unknown`: one that is gone may have.
Error no_route(std::string_view reason, End end);

/// A delivery was not acknowledged in the time that the broker gives.
bool is_overdue(const Error& error) noexcept;

/// What such an error says of the message that a channel was closed for.
struct Refusal {
  std::uint64_t size = 0;  ///< Of its body; 0: it is not said that it was too large.
  std::uint64_t most = 0;  ///< What the broker takes at most.
  bool is_user = false;    ///< It names another user than the one who sent it.
};
Refusal refusal_of(const Error& error) noexcept;

}  // namespace waybill::amqp
