// The nearest known name, for messages about unknown ones.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace waybill::detail {

/// How many letters must be added, removed, changed or swapped with their neighbour to get from one to the other;
/// upper and lower case are equal. Texts of more than 64 bytes are never near: 64 is returned.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known name that `name` was probably meant to be; empty if none is near enough.
std::string nearest(std::string_view name, std::span<const std::string> known);

/// `; did you mean "nearest"?`, or `; known: a, b, c` when none is near enough, or nothing when none is known.
std::string suggestion(std::string_view name, std::span<const std::string> known);

}  // namespace waybill::detail
