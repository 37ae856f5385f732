// The reasons of statuses (RFC 9110).
#pragma once

#include <string_view>

namespace waybill::http {

/// Of one that has no name here, that of its hundred.
std::string_view status_text(int status) noexcept;

/// Responses of that status end with their head.
constexpr bool has_no_body(int status) noexcept { return status == 204 || status == 304; }

}  // namespace waybill::http
