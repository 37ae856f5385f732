#include "config/duration.hpp"

#include "waybill/error.hpp"
#include "waybill/url.hpp"

#include <charconv>
#include <span>
#include <string>

namespace waybill {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

/// A number, then one of the units; nothing for anything else and for more than `most`.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > most / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

constexpr Unit k_times[] = {{"", 1},         {"ms", 1},        {"s", 1000},      {"m", 60'000},
                            {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit k_sizes[] = {{"", 1},      {"B", 1},     {"KiB", 1 << 10},  {"MiB", 1 << 20},     {"GiB", 1 << 30},
                            {"KB", 1000}, {"kB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
constexpr std::uint64_t k_longest_time = 365ull * 86'400'000;  // a year: clocks can add it without overflow

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (const auto milliseconds = parse_with_unit(text, k_times, k_longest_time)) {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(*milliseconds));
  }
  return Error(errc::invalid_config, "expected a duration such as 5s, 250ms or 2m, found \"" + std::string(text) + '"',
               End::rejected);
}

std::optional<std::uint64_t> detail::parse_size(std::string_view text) {
  return parse_with_unit(text, k_sizes, UINT64_MAX);
}

}  // namespace waybill
