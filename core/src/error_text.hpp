// What of an error a caller is told.
#pragma once

#include "waybill/error.hpp"

namespace waybill::detail {

/// False: it is answered as an "Internal server error", and its text is for this side's log.
bool is_told(const Error& error) noexcept;

}  // namespace waybill::detail
