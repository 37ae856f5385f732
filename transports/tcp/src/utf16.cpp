#include "utf16.hpp"

#include <algorithm>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace waybill::tcp {
namespace {

struct Character {
  std::size_t bytes = 0;  // 0: more bytes are needed to tell
  std::size_t units = 1;
};

/// One character, or the longest beginning of one that is invalid.
Character decode(const char* text, std::size_t size) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, 1};
  if (lead < 0xC2 || lead > 0xF4) return {1, 1};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char least = 0x80;
  unsigned char most = 0xBF;
  if (lead == 0xE0) least = 0xA0;
  if (lead == 0xED) most = 0x9F;
  if (lead == 0xF0) least = 0x90;
  if (lead == 0xF4) most = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == size) return {0, 0};
    if (byte(i) < least || byte(i) > most) return {i, 1};
    least = 0x80;
    most = 0xBF;
  }
  return {length, length == 4 ? 2u : 1u};
}

#ifdef __SSE2__

constexpr std::size_t k_piece = 1024;  // keeps the byte counters below from overflowing, and bounds what is done twice

__m128i bytes_of(int value) noexcept { return _mm_set1_epi8(static_cast<char>(value)); }
__m128i at_least(__m128i v, __m128i least) noexcept { return _mm_cmpeq_epi8(_mm_max_epu8(v, least), v); }

/// What is wrong with sixteen bytes that follow `previous`; all zero if nothing is. Adds their units to `units`,
/// byte by byte, as negative numbers.
__m128i check_block(__m128i v, __m128i previous, __m128i& units) noexcept {
  const __m128i back1 = _mm_or_si128(_mm_slli_si128(v, 1), _mm_srli_si128(previous, 15));
  const __m128i back2 = _mm_or_si128(_mm_slli_si128(v, 2), _mm_srli_si128(previous, 14));
  const __m128i back3 = _mm_or_si128(_mm_slli_si128(v, 3), _mm_srli_si128(previous, 13));
  const __m128i is_tail = _mm_cmplt_epi8(v, bytes_of(0xC0));
  const __m128i must_be_tail = _mm_or_si128(
      at_least(back1, bytes_of(0xC0)), _mm_or_si128(at_least(back2, bytes_of(0xE0)), at_least(back3, bytes_of(0xF0))));
  __m128i wrong = _mm_xor_si128(is_tail, must_be_tail);
  wrong = _mm_or_si128(wrong, at_least(v, bytes_of(0xF5)));
  wrong = _mm_or_si128(wrong, _mm_cmpeq_epi8(_mm_and_si128(v, bytes_of(0xFE)), bytes_of(0xC0)));
  // Second bytes of overlong forms, surrogates and characters beyond U+10FFFF.
  const __m128i below_a0 = _mm_cmplt_epi8(v, bytes_of(0xA0));
  const __m128i below_90 = _mm_cmplt_epi8(v, bytes_of(0x90));
  wrong = _mm_or_si128(wrong, _mm_and_si128(_mm_cmpeq_epi8(back1, bytes_of(0xE0)), below_a0));
  wrong = _mm_or_si128(wrong, _mm_andnot_si128(below_a0, _mm_cmpeq_epi8(back1, bytes_of(0xED))));
  wrong = _mm_or_si128(wrong, _mm_and_si128(_mm_cmpeq_epi8(back1, bytes_of(0xF0)), below_90));
  wrong = _mm_or_si128(wrong, _mm_andnot_si128(below_90, _mm_cmpeq_epi8(back1, bytes_of(0xF4))));
  units = _mm_add_epi8(units, _mm_cmpgt_epi8(v, bytes_of(0xBF)));
  units = _mm_add_epi8(units, at_least(v, bytes_of(0xF0)));
  return wrong;
}

/// Counts the whole characters of `size` bytes (a multiple of 16, at most k_piece) from a boundary between characters.
/// False if they are not UTF-8.
bool count_piece(const char* text, std::size_t size, Utf16Cursor& cursor) noexcept {
  const __m128i zero = _mm_setzero_si128();
  __m128i units = zero;
  __m128i wrong = zero;
  __m128i previous = zero;
  int open = 0;  // the last three bytes of the previous block may want more
  std::size_t ascii = 0;
  for (std::size_t i = 0; i < size; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    const int high = _mm_movemask_epi8(v);
    if ((high | open) == 0) {
      ascii += 16;
    } else {
      wrong = _mm_or_si128(wrong, check_block(v, previous, units));
    }
    open = high & 0xE000;
    previous = v;
  }
  if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, zero)) != 0xFFFF) return false;
  const __m128i sums = _mm_sad_epu8(_mm_sub_epi8(zero, units), zero);
  std::size_t counted = ascii + static_cast<std::size_t>(_mm_cvtsi128_si64(sums)) +
                        static_cast<std::size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
  // An unfinished last character stays for the next piece.
  const auto byte = [text, size](std::size_t back) { return static_cast<unsigned char>(text[size - back]); };
  std::size_t unfinished = 0;
  if (byte(1) >= 0xC0) {
    unfinished = 1;
  } else if (byte(2) >= 0xE0) {
    unfinished = 2;
  } else if (byte(3) >= 0xF0) {
    unfinished = 3;
  }
  if (unfinished) counted -= byte(unfinished) >= 0xF0 ? 2 : 1;
  cursor.bytes += size - unfinished;
  cursor.units += counted;
  return true;
}

bool is_ascii(const char* text, std::size_t size) noexcept {  // size < 16
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  return (_mm_movemask_epi8(v) & ((1 << size) - 1)) == 0;
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
  }
  return true;
}

/// Counts text that is UTF-8 nearly for sure, because a serializer has just written it. False if it has more or fewer
/// tails than its leads ask for: then it is not.
bool count_balanced(const char* text, std::size_t size, std::size_t& units) noexcept {
  std::size_t tails = 0;   // 80..BF
  std::size_t wanted = 0;  // by leads of two, three and four bytes
  std::size_t fours = 0;
  std::size_t i = 0;
#ifdef __SSE2__
  const __m128i zero = _mm_setzero_si128();
  while (size - i >= 16) {
    __m128i tail_sum = zero;
    __m128i wanted_sum = zero;
    __m128i four_sum = zero;
    for (std::size_t stop = std::min(size - 15, i + 16 * 80); i < stop; i += 16) {  // at most 240 a byte
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
      if (_mm_movemask_epi8(v) == 0) continue;
      const __m128i is_four = at_least(v, bytes_of(0xF0));
      const __m128i leads =
          _mm_add_epi8(_mm_add_epi8(at_least(v, bytes_of(0xC0)), at_least(v, bytes_of(0xE0))), is_four);
      tail_sum = _mm_sub_epi8(tail_sum, _mm_cmplt_epi8(v, bytes_of(0xC0)));
      wanted_sum = _mm_sub_epi8(wanted_sum, leads);
      four_sum = _mm_sub_epi8(four_sum, is_four);
    }
    const auto total = [zero](__m128i counts) {
      const __m128i sums = _mm_sad_epu8(counts, zero);
      return static_cast<std::size_t>(_mm_cvtsi128_si64(sums)) +
             static_cast<std::size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
    };
    tails += total(tail_sum);
    wanted += total(wanted_sum);
    fours += total(four_sum);
  }
#endif
  for (; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    tails += byte >= 0x80 && byte < 0xC0;
    wanted += std::size_t{byte >= 0xC0} + (byte >= 0xE0) + (byte >= 0xF0);
    fours += byte >= 0xF0;
  }
  units = size - tails + fours;
  return tails == wanted;
}

}  // namespace

void count_utf16(const char* text, std::size_t size, std::size_t want, Utf16Cursor& cursor) noexcept {
  while (cursor.units < want && cursor.bytes < size) {
    // A character has at least as many bytes as units, so these bytes are surely within what is wanted.
    const std::size_t sure = std::min(want - cursor.units, size - cursor.bytes);
    std::size_t stop = cursor.bytes + 1;
#ifdef __SSE2__
    if (sure >= 16) {
      const std::size_t piece = std::min(sure & ~std::size_t{15}, k_piece);
      if (count_piece(text + cursor.bytes, piece, cursor)) continue;
      stop = cursor.bytes + piece;
    } else if (is_ascii(text + cursor.bytes, sure)) {
      cursor.bytes += sure;
      cursor.units += sure;
      continue;
    }
#else
    stop = cursor.bytes + sure;
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
  return count_balanced(text, size, units) ? units : utf16_length(text, size);
}

}  // namespace waybill::tcp
