// The reasons of statuses (RFC 9110).
#pragma once

#include <string_view>

namespace waybill::http {

/// Of one that has no name here, that of its hundred.
std::string_view status_text(int status) noexcept;

}  // namespace waybill::http
