// What a service of waybill answers a request with that it does not take.
#pragma once

#include <string_view>

namespace waybill::transport {

/// Named "overloaded": a client has errc::overloaded. More may follow, behind a colon.
inline constexpr std::string_view k_overloaded_text = "The service is overloaded";
/// Named "refused": a client has errc::refused.
inline constexpr std::string_view k_leaving_text = "The service is shutting down";

}  // namespace waybill::transport
