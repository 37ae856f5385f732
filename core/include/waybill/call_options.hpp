// CallOptions: what a single call may say.
#pragma once

#include "waybill/headers.hpp"
#include "waybill/payload.hpp"

#include <chrono>
#include <optional>

namespace waybill {

/// What a single call may say. Its constructor lets g++ 12 destroy it inside a co_await statement.
struct CallOptions {
  constexpr CallOptions() {}                         // NOLINT: not an aggregate, see above
  std::optional<std::chrono::milliseconds> timeout;  ///< Of a request, from the call to the end of the reply.
  /// What is left to the message that the call is for: ends the call where that is earlier than `timeout`, its own or that
  /// of the client.
  std::optional<std::chrono::milliseconds> time_left;
  Headers headers;
  Headers properties;  ///< The transport's own settings of one message, by its names (docs/transports).
  Payload metadata;    ///< NestJS's metadata, in the client's format; replaces the headers on carriers that have none.
  bool idempotent =
      false;  ///< Handling it twice does no harm: middleware::retry may send it again if it was perhaps taken.
};

namespace detail {
inline constinit const CallOptions k_no_options;  ///< Of calls that say nothing.
}

}  // namespace waybill
