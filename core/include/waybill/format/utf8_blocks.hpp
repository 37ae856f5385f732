// UTF-8 looked at sixteen bytes at a time. For serializers and transports, also from outside.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace waybill::format {

inline __m128i sixteen_of(int byte) noexcept { return _mm_set1_epi8(static_cast<char>(byte)); }
inline __m128i load_sixteen(const char* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
/// The `count` bytes at `from` and zeros behind them; nothing else is read. REQUIRES: count < 16.
inline __m128i load_first(const char* from, std::size_t count) noexcept {
  const auto part = [from](std::size_t at, auto word) {
    std::memcpy(&word, from + at, sizeof word);
    return std::uint64_t{word};
  };
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (count >= 8) {  // two words that may overlap
    low = part(0, std::uint64_t{});
    if (count > 8) high = part(count - 8, std::uint64_t{}) >> (8 * (16 - count));
  } else if (count >= 4) {
    low = part(0, std::uint32_t{}) | part(count - 4, std::uint32_t{}) << (8 * (count - 4));
  } else if (count) {
    low = part(0, std::uint8_t{}) | part(count / 2, std::uint8_t{}) << (8 * (count / 2)) |
          part(count - 1, std::uint8_t{}) << (8 * (count - 1));
  }
  return _mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low));
}

/// Checks a text block by block, from a boundary between characters on. Blocks of ASCII between others cost next to
/// nothing.
class Utf8Blocks {
 public:
  /// The next sixteen bytes. Zeros may stand for what lies behind the end.
  void add(__m128i v) noexcept {
    const int high = _mm_movemask_epi8(v);
    if (high | open_) wrong_ = _mm_or_si128(wrong_, mistakes(v, previous_));
    // The last three bytes may ask for more.
    open_ = high & 0xE000;
    previous_ = v;
  }
  /// Whether all that was added is UTF-8, but for a last character that may be unfinished: a zero behind it tells.
  bool is_valid() const noexcept { return _mm_movemask_epi8(wrong_) == 0; }

 private:
  // By value, so that the members stay in registers. A mistake is a high bit.
  static __m128i mistakes(__m128i v, __m128i previous) noexcept {
    const __m128i back1 = _mm_or_si128(_mm_slli_si128(v, 1), _mm_srli_si128(previous, 15));
    const __m128i back2 = _mm_or_si128(_mm_slli_si128(v, 2), _mm_srli_si128(previous, 14));
    const __m128i back3 = _mm_or_si128(_mm_slli_si128(v, 3), _mm_srli_si128(previous, 13));
    // Tails stand where a lead of two, three or four bytes wants them, and nowhere else.
    const __m128i is_tail = _mm_cmplt_epi8(v, sixteen_of(0xC0));
    const __m128i must_be_tail =
        _mm_or_si128(_mm_subs_epu8(back1, sixteen_of(0x40)),
                     _mm_or_si128(_mm_subs_epu8(back2, sixteen_of(0x60)), _mm_subs_epu8(back3, sixteen_of(0x70))));
    const __m128i is_surrogate =
        _mm_andnot_si128(_mm_cmplt_epi8(v, sixteen_of(0xA0)), _mm_cmpeq_epi8(back1, sixteen_of(0xED)));
    const __m128i wrong = _mm_or_si128(is_surrogate, _mm_xor_si128(is_tail, must_be_tail));
    const __m128i is_never = _mm_or_si128(_mm_cmpeq_epi8(_mm_and_si128(v, sixteen_of(0xFE)), sixteen_of(0xC0)),
                                          _mm_subs_epu8(v, sixteen_of(0x75)));  // C0, C1, F5 to FF
    const __m128i is_rare =
        _mm_or_si128(_mm_cmpeq_epi8(back1, sixteen_of(0xE0)), _mm_subs_epu8(back1, sixteen_of(0x70)));
    if (_mm_movemask_epi8(_mm_or_si128(is_never, is_rare)) == 0) return wrong;
    return _mm_or_si128(_mm_or_si128(wrong, is_never), rare_mistakes(v, back1));
  }
  /// Second bytes of overlong forms and of characters beyond U+10FFFF.
  static __m128i rare_mistakes(__m128i v, __m128i back1) noexcept {
    const __m128i below_a0 = _mm_cmplt_epi8(v, sixteen_of(0xA0));
    const __m128i below_90 = _mm_cmplt_epi8(v, sixteen_of(0x90));
    const __m128i after_e0 = _mm_and_si128(_mm_cmpeq_epi8(back1, sixteen_of(0xE0)), below_a0);
    const __m128i after_f0 = _mm_and_si128(_mm_cmpeq_epi8(back1, sixteen_of(0xF0)), below_90);
    const __m128i after_f4 = _mm_andnot_si128(below_90, _mm_cmpeq_epi8(back1, sixteen_of(0xF4)));
    return _mm_or_si128(after_e0, _mm_or_si128(after_f0, after_f4));
  }

  __m128i previous_ = _mm_setzero_si128();
  __m128i wrong_ = _mm_setzero_si128();
  int open_ = 0;
};

}  // namespace waybill::format
#endif
