// Numbers with units, as configuration has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace waybill::detail {

/// "64KiB", "16MiB", "2GiB", "10MB" (powers of ten) or a bare number of bytes; nothing if it is none of these.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace waybill::detail
