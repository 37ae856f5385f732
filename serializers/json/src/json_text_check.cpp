// Whether a text is UTF-8 and whether it needs escapes: short texts in one pass of our own, long ones by simdjson, whose
// wider vectors pay from some hundred bytes on.
#include "json_find.hpp"
#include "json_text.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/format/utf8_blocks.hpp"

#include <simdjson.h>

namespace waybill::json {
namespace {

constexpr std::size_t k_short = 512;

bool is_long_utf8(std::string_view text) noexcept { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace

#ifdef __SSE2__

bool is_utf8(std::string_view text) noexcept {
  if (text.size() > k_short) return is_ascii(text.data(), text.size()) || is_long_utf8(text);
  return format::is_utf8(text);
}

TextCheck check_text(std::string_view text) noexcept {
  TextCheck check;
  __m128i special = _mm_setzero_si128();
  __m128i all = _mm_setzero_si128();
  format::Utf8Blocks blocks;
  const bool is_short = text.size() <= k_short;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 16; at += 16) {
    const __m128i v = format::load_sixteen(at);
    special = _mm_or_si128(special, special_in(v));
    all = _mm_or_si128(all, v);
    if (is_short) blocks.add(v);
  }
  const auto rest = static_cast<std::size_t>(end - at);
  const __m128i last = format::load_first(at, rest);  // zeros behind it are no part of the text
  all = _mm_or_si128(all, last);
  check.needs_escape = (_mm_movemask_epi8(special) | (_mm_movemask_epi8(special_in(last)) & ((1 << rest) - 1))) != 0;
  if (_mm_movemask_epi8(all) == 0) return check;
  if (is_short) {
    blocks.add(last);
    check.is_utf8 = blocks.is_valid();
  } else {
    check.is_utf8 = is_long_utf8(text);
  }
  return check;
}

#else

bool is_utf8(std::string_view text) noexcept { return is_ascii(text.data(), text.size()) || is_long_utf8(text); }

TextCheck check_text(std::string_view text) noexcept {
  TextCheck check;
  for (const char c : text) check.needs_escape |= c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  check.is_utf8 = is_utf8(text);
  return check;
}

#endif

}  // namespace waybill::json
