// Values as files, URLs and variables write them, and how it is said what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace waybill::detail {

/// "64KiB", "16MiB", "2GiB", "10MB" (powers of ten) or a bare number of bytes; nothing if it is none of these.
std::optional<std::uint64_t> parse_size(std::string_view text);
inline constexpr std::string_view k_a_size = "a size such as 64KiB, 16MiB or a number of bytes";

inline constexpr std::string_view k_a_duration = "a duration such as 5s, 250ms or 2m";

/// Of at least `least` and at most `most`; nothing if it is something else.
std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t least, std::uint64_t most);
/// "a whole number from 1 to 1024".
std::string a_whole_number(std::uint64_t least, std::uint64_t most);

/// "0.5", "50%"; nothing if it is less than 0 or more than 1.
std::optional<double> parse_share(std::string_view text);
inline constexpr std::string_view k_a_share = "a share such as 0.5 or 50%";

/// true, yes, on, 1 and their opposites.
std::optional<bool> parse_flag(std::string_view text);
inline constexpr std::string_view k_a_flag = "true or false";

/// "a, b or c".
std::string one_of(std::span<const std::string_view> names);

}  // namespace waybill::detail
