// The order in which NestJS sorts the keys of object patterns: ICU's root collation, which JavaScript's localeCompare uses.
#pragma once

#include <string_view>

namespace waybill::detail {

/// Negative, zero or positive: `a` before, with or behind `b`. Zero does not mean that they are equal: control
/// characters count for nothing. Exact for ASCII; letters with accents stand behind their base letter, symbols and
/// emoji in front of digits, everything else behind `z` by code point. Any bytes are fine; linear time.
int collate(std::string_view a, std::string_view b) noexcept;

}  // namespace waybill::detail
