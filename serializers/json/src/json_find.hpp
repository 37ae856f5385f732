// The inner loops of reading: looked at sixteen bytes at a time where the machine can, and inlined where they are used.
#pragma once

#include "waybill/format/utf8_blocks.hpp"

#include <bit>
#include <cstddef>
#include <string_view>

namespace waybill::json {

inline bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// REQUIRES: a readable byte at `at`, behind `end` too.
inline const char* skip_space(const char* at, const char* end) noexcept {
  if (static_cast<unsigned char>(*at) > ' ') [[likely]]
    return at;  // programs write no spaces
  while (at < end && is_space(*at)) ++at;
  return at;
}

#ifdef __SSE2__
/// Marks each `"`, `\` and control character.
inline __m128i special_in(__m128i v) noexcept {
  const __m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
  const __m128i is_quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
  return _mm_or_si128(_mm_or_si128(is_quote, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))), is_control);
}
#endif

/// The first `"`, `\` or control character at or behind `at`; `end` if there is none.
/// REQUIRES: k_padding readable bytes behind `end`.
inline const char* find_special(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  const auto load = [](const char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
  for (const char* const first = at; at < end; at += 16) {
    if (const int found = _mm_movemask_epi8(special_in(load(at)))) {
      at += std::countr_zero(static_cast<unsigned>(found));
      return at < end ? at : end;
    }
    if (at == first) continue;  // most texts are short
    for (; end - at > 80; at += 64) {
      const __m128i a = _mm_or_si128(special_in(load(at + 16)), special_in(load(at + 32)));
      const __m128i b = _mm_or_si128(special_in(load(at + 48)), special_in(load(at + 64)));
      if (_mm_movemask_epi8(_mm_or_si128(a, b))) break;
    }
  }
  return end;
#else
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
#endif
}

/// Whether the text is ASCII that stands between quotes as it is.
inline bool is_plain(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
#ifdef __SSE2__
  const auto marked_in = [](__m128i v) { return _mm_movemask_epi8(_mm_or_si128(special_in(v), v)); };
  for (; end - at >= 16; at += 16) {
    if (marked_in(format::load_sixteen(at))) return false;
  }
  const auto rest = static_cast<std::size_t>(end - at);
  return (marked_in(format::load_first(at, rest)) & ((1 << rest) - 1)) == 0;
#else
  for (; at < end; ++at) {
    if (*at == '"' || *at == '\\' || static_cast<unsigned char>(*at) < 0x20 ||
        static_cast<unsigned char>(*at) >= 0x80) {
      return false;
    }
  }
  return true;
#endif
}

/// False for longer texts, too. REQUIRES: k_padding readable bytes behind the text.
inline bool is_short_ascii([[maybe_unused]] std::string_view text) noexcept {
#ifdef __SSE2__
  return text.size() <= 16 && (_mm_movemask_epi8(format::load_sixteen(text.data())) & ((1 << text.size()) - 1)) == 0;
#else
  return false;
#endif
}

/// Gives up early: text of other languages is so from its beginning mostly.
inline bool is_ascii(const char* text, std::size_t size) noexcept {
  std::size_t i = 0;
#ifdef __SSE2__
  for (; i + 16 <= size; i += 16) {
    if (_mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i)))) return false;
  }
#endif
  unsigned char rest = 0;
  for (; i < size; ++i) rest = static_cast<unsigned char>(rest | static_cast<unsigned char>(text[i]));
  return rest < 0x80;
}

}  // namespace waybill::json
