#include "service/collation.hpp"

#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <array>
#include <cstdint>

namespace waybill::detail {
namespace {

/// How a character compares: first by primary, then by accent, then by case. Primary 0 is to be ignored.
struct Weight {
  std::uint32_t primary = 0;
  std::uint32_t accent = 0;
  bool upper = false;
};

constexpr std::string_view k_in_order =
    "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::uint32_t k_step = 0x200000;  // leaves room for all code points between two characters of ASCII

/// Base letters of U+00C0 to U+017F; `?` where a letter stands for itself.
constexpr std::string_view k_base_letters =
    "AAAAAA?CEEEEIIII?NOOOOO??UUUUY??aaaaaa?ceeeeiiii?nooooo??uuuuy?y"
    "AaAaAaCcCcCcCcDd??EeEeEeEeEeGgGgGgGgHh??IiIiIiIiI???JjKk?LlLlLl?"
    "???NnNnNn???OoOoOo??RrRrRrSsSsSsSsTtTt??UuUuUuUuUuUuWwYyYZzZzZz?";
static_assert(k_base_letters.size() == 0x180 - 0xC0);

constexpr bool is_upper(char32_t c) noexcept { return c >= 'A' && c <= 'Z'; }

constexpr std::array<std::uint8_t, 128> k_places = [] {
  std::array<std::uint8_t, 128> places{};
  for (std::size_t i = 0; i < k_in_order.size(); ++i) {
    const auto c = static_cast<unsigned char>(k_in_order[i]);
    places[c] = static_cast<std::uint8_t>(i + 1);
    if (c >= 'a' && c <= 'z') places[c - 'a' + 'A'] = static_cast<std::uint8_t>(i + 1);
  }
  return places;
}();

constexpr bool is_symbol(char32_t c) noexcept {
  return (c >= 0x2010 && c < 0x2C00) || (c >= 0x3000 && c < 0x3040) || (c >= 0x1F000 && c < 0x1FB00);
}

constexpr bool is_ignorable(char32_t c) noexcept {
  return (c >= 0x200B && c < 0x2010) || (c >= 0xFE00 && c < 0xFE10) || c == 0xFEFF;
}

/// The same for both cases of a letter. REQUIRES: U+00C0 to U+017F, where cases are 32 or 1 apart.
constexpr std::uint32_t accent(char32_t c) noexcept {
  if (c < 0x100) return static_cast<std::uint32_t>(c | 0x20u);
  const bool upper_is_odd = (c >= 0x139 && c <= 0x148) || c >= 0x179;
  return static_cast<std::uint32_t>(0x100 + (upper_is_odd ? c + 1 : c) / 2);
}

Weight weigh(char32_t c) noexcept {
  if (c < 128) return {k_places[c] * k_step, 0, is_upper(c)};
  if (is_ignorable(c)) return {};
  if (c >= 0xC0 && c < 0x180) {
    const auto base = static_cast<unsigned char>(k_base_letters[c - 0xC0]);
    if (base != '?') return {k_places[base] * k_step, accent(c), is_upper(base)};
  }
  const std::uint32_t place = is_symbol(c) ? k_places['~'] : k_places['z'];
  return {place * k_step + static_cast<std::uint32_t>(c), 0, false};
}

Weight next_weight(std::string_view& text) noexcept {
  while (!text.empty()) {
    const Weight weight = weigh(format::next_code_point(text));
    if (weight.primary) return weight;
  }
  return {};
}

}  // namespace

int collate(std::string_view a, std::string_view b) noexcept {
  int by_accent = 0;
  int by_case = 0;
  for (;;) {
    const Weight left = next_weight(a);
    const Weight right = next_weight(b);
    if (left.primary != right.primary) return left.primary < right.primary ? -1 : 1;
    if (!left.primary) return by_accent ? by_accent : by_case;  // both at their end
    if (!by_accent && left.accent != right.accent) by_accent = left.accent < right.accent ? -1 : 1;
    if (!by_case && left.upper != right.upper) by_case = right.upper ? -1 : 1;
  }
}

}  // namespace waybill::detail
