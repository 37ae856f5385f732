// Numbers as JavaScript writes them, and reading what simdjson refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waybill::json {

/// Room that a number takes at most.
inline constexpr std::size_t k_number_room = 40;

/// Writes the number as JSON.stringify does: shortest digits, 1e+21, 1e-7, -0 as 0, NaN and infinities as null.
/// Returns the end. REQUIRES: k_number_room bytes at `out`.
char* write_number(double number, char* out) noexcept;
/// The shortest digits that give the same float.
char* write_number(float number, char* out) noexcept;

/// Writes the integer. Returns the end. REQUIRES: k_number_room bytes at `out`.
char* write_integer(std::int64_t number, char* out) noexcept;
char* write_natural(std::uint64_t number, char* out) noexcept;

/// Reads any number text of JSON as JavaScript does: what is too large is infinite, what is too small is 0.
bool read_number(std::string_view text, double& number) noexcept;

}  // namespace waybill::json
