#include "wire/utf16.hpp"

#include "waybill/format/utf8.hpp"
#include "waybill/format/utf8_blocks.hpp"

#include <algorithm>
#include <cstdint>

namespace waybill::tcp {
namespace {

struct Character {
  std::size_t bytes = 0;  // 0: more bytes are needed to tell
  std::size_t units = 1;
  bool is_utf8 = true;
};

/// One character, or the longest beginning of one that is invalid.
Character decode(const char* text, std::size_t size) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, 1};
  if (lead < 0xC2 || lead > 0xF4) return {1, 1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char least = 0x80;
  unsigned char most = 0xBF;
  if (lead == 0xE0) least = 0xA0;
  if (lead == 0xED) most = 0x9F;
  if (lead == 0xF0) least = 0x90;
  if (lead == 0xF4) most = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == size) return {0, 0};
    if (byte(i) < least || byte(i) > most) return {i, 1, false};
    least = 0x80;
    most = 0xBF;
  }
  return {length, length == 4 ? 2u : 1u};
}

#ifdef __SSE2__

constexpr std::size_t k_piece = 1024;  // bounds what is done twice

using format::load_sixteen;
using format::sixteen_of;

__m128i at_least(__m128i v, __m128i least) noexcept { return _mm_cmpeq_epi8(_mm_max_epu8(v, least), v); }

std::size_t sum_of_bytes(__m128i v) noexcept {
  const __m128i sums = _mm_sad_epu8(v, _mm_setzero_si128());
  return static_cast<std::size_t>(_mm_cvtsi128_si64(sums)) +
         static_cast<std::size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
}

/// Counts the whole characters of the next blocks of sixteen bytes, from a boundary between characters on, while they
/// surely have no more than `want` units. Returns how many bytes it looked at; `is_valid` is false, and nothing counted,
/// if they are not UTF-8. REQUIRES: size and want of 16 at least.
std::size_t count_blocks(const char* text, std::size_t size, std::size_t want, Utf16Cursor& cursor,
                         bool& is_valid) noexcept {
  size = std::min(size, k_piece);
  want = std::min(want, k_piece);
  std::size_t fewer = 0;  // units than bytes; modulo, as the first byte of four counts for two units
  std::size_t i = 0;
  format::Utf8Blocks blocks;
  for (std::size_t stop = std::min(size, want); i + 16 <= stop; i += 16) {
    const __m128i v = load_sixteen(text + i);
    blocks.add(v);
    if (_mm_movemask_epi8(v) == 0) continue;
    const __m128i characters = _mm_cmpgt_epi8(v, sixteen_of(0xBF));  // all but tails
    fewer +=
        16 - sum_of_bytes(_mm_sub_epi8(_mm_setzero_si128(), _mm_add_epi8(characters, at_least(v, sixteen_of(0xF0)))));
    stop = std::min(size, want + fewer);
  }
  std::size_t units = i - fewer;
  is_valid = blocks.is_valid();
  if (!is_valid) return i;
  // An unfinished last character stays for later.
  const auto byte = [text, i](std::size_t back) { return static_cast<unsigned char>(text[i - back]); };
  std::size_t unfinished = 0;
  if (byte(1) >= 0xC0) {
    unfinished = 1;
  } else if (byte(2) >= 0xE0) {
    unfinished = 2;
  } else if (byte(3) >= 0xF0) {
    unfinished = 3;
  }
  if (unfinished) units -= byte(unfinished) >= 0xF0 ? 2 : 1;
  cursor.bytes += i - unfinished;
  cursor.units += units;
  return i;
}

bool is_ascii(const char* text, std::size_t size) noexcept {  // size < 16
  return (_mm_movemask_epi8(load_sixteen(text)) & ((1 << size) - 1)) == 0;
}

#endif

/// Counts character by character up to `stop`. False if the text ends within one.
bool count_slowly(const char* text, std::size_t size, std::size_t stop, std::size_t want,
                  Utf16Cursor& cursor) noexcept {
  while (cursor.bytes < stop && cursor.units < want) {
    const Character next = decode(text + cursor.bytes, size - cursor.bytes);
    if (!next.bytes) return false;
    cursor.bytes += next.bytes;
    cursor.units += next.units;
    cursor.is_utf8 &= next.is_utf8;
  }
  return true;
}

/// Counts text that is UTF-8. False if it is not.
bool count_valid(const char* text, std::size_t size, std::size_t& units) noexcept {
#ifdef __SSE2__
  std::size_t tails = 0;  // 80..BF
  std::size_t fours = 0;  // leads of four bytes
  format::Utf8Blocks blocks;
  for (std::size_t i = 0; i < size;) {
    __m128i tail_sum = _mm_setzero_si128();
    __m128i four_sum = _mm_setzero_si128();
    const auto count = [&](__m128i v) {
      blocks.add(v);
      if (_mm_movemask_epi8(v) == 0) return;
      tail_sum = _mm_sub_epi8(tail_sum, _mm_cmplt_epi8(v, sixteen_of(0xC0)));
      four_sum = _mm_sub_epi8(four_sum, at_least(v, sixteen_of(0xF0)));
    };
    // A block adds at most one to a byte of the sums.
    for (const std::size_t stop = i + std::min<std::size_t>((size - i) / 16, 240) * 16; i < stop; i += 16)
      count(load_sixteen(text + i));
    if (size - i < 16) {
      count(format::load_first(text + i, size - i));  // zeros behind the end, which end an unfinished character
      i = size;
    }
    tails += sum_of_bytes(tail_sum);
    fours += sum_of_bytes(four_sum);
  }
  units = size - tails + fours;
  return blocks.is_valid();
#else
  units = size;
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80 && byte < 0xC0) --units;
    if (byte >= 0xF0) ++units;
  }
  return units == size || format::is_utf8({text, size});
#endif
}

}  // namespace

void count_utf16(const char* text, std::size_t size, std::size_t want, Utf16Cursor& cursor) noexcept {
  while (cursor.units < want && cursor.bytes < size) {
    const char* const at = text + cursor.bytes;
    const std::size_t left = size - cursor.bytes;
    // A character has at least as many bytes as units, so these bytes are surely within what is wanted.
    const std::size_t sure = std::min(want - cursor.units, left);
    std::size_t stop = cursor.bytes + sure;
#ifdef __SSE2__
    if (sure >= 16) {
      bool is_valid = false;
      const std::size_t looked_at = count_blocks(at, left, want - cursor.units, cursor, is_valid);
      if (is_valid) continue;
      stop = cursor.bytes + looked_at;
    } else if (is_ascii(at, sure)) {
      cursor.bytes += sure;
      cursor.units += sure;
      continue;
    } else {
      stop = cursor.bytes + 1;
    }
#endif
    if (!count_slowly(text, size, stop, want, cursor)) return;
  }
}

std::size_t utf16_length(const char* text, std::size_t size) noexcept {
  Utf16Cursor cursor;
  count_utf16(text, size, SIZE_MAX, cursor);
  return cursor.units + (cursor.bytes < size ? 1 : 0);
}

std::size_t utf16_length_of_own(const char* text, std::size_t size) noexcept {
  std::size_t units = 0;
  if (count_valid(text, size, units)) return units;
  return utf16_length(text, size);  // a caller may have put bytes of others into a payload
}

}  // namespace waybill::tcp
