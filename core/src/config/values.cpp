#include "config/values.hpp"

#include "waybill/error.hpp"
#include "waybill/url.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
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

/// The smallest first; of those that are alike the last is shown.
constexpr Unit k_times[] = {{"", 1},       {"ms", 1},        {"s", 1000},      {"min", 60'000},
                            {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit k_sizes[] = {{"", 1},      {"B", 1},     {"KiB", 1 << 10},  {"MiB", 1 << 20},     {"GiB", 1 << 30},
                            {"KB", 1000}, {"kB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
constexpr std::uint64_t k_longest_time = 365ull * 86'400'000;  // a year: clocks can add it without overflow

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (const auto milliseconds = parse_with_unit(text, k_times, k_longest_time)) {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(*milliseconds));
  }
  return Error(errc::invalid_config,
               "expected " + std::string(detail::k_a_duration) + ", found \"" + std::string(text) + '"', End::rejected);
}

std::string duration_text(std::chrono::milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  const auto unit = std::find_if(std::rbegin(k_times), std::rend(k_times),
                                 [count](const Unit& one) { return count % one.factor == 0; });
  return std::to_string(count / unit->factor) + std::string(unit->name);
}

std::optional<std::uint64_t> detail::parse_size(std::string_view text) {
  return parse_with_unit(text, k_sizes, UINT64_MAX);
}

std::optional<std::uint64_t> detail::parse_whole(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && number >= least && number <= most ? std::optional(number) : std::nullopt;
}

std::string detail::a_whole_number(std::uint64_t least, std::uint64_t most) {
  const std::string from = std::to_string(least);
  if (most != UINT64_MAX) return "a whole number from " + from + " to " + std::to_string(most);
  return least ? "a whole number of at least " + from : std::string("a whole number");
}

std::optional<double> detail::parse_share(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (is_percent) share /= 100;
  return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

std::optional<bool> detail::parse_flag(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::string detail::one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace waybill
