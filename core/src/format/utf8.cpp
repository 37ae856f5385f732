#include "waybill/format/utf8.hpp"

#include "waybill/format/utf8_blocks.hpp"

#include <cstdint>
#include <cstring>

namespace waybill::format {
namespace {

constexpr char32_t k_malformed = 0xFFFFFFFF;

char32_t decode(std::string_view& text) noexcept {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) {
    text.remove_prefix(1);
    return k_malformed;
  }
  char32_t code_point = length == 1 ? lead : lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) {
      text.remove_prefix(1);
      return k_malformed;
    }
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  if (overlong || code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) {
    text.remove_prefix(1);
    return k_malformed;
  }
  text.remove_prefix(length);
  return code_point;
}

}  // namespace

char32_t next_code_point(std::string_view& text) noexcept {
  const char32_t code_point = decode(text);
  return code_point == k_malformed ? 0xFFFD : code_point;
}

#ifdef __SSE2__

bool is_utf8(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  Utf8Blocks blocks;
  for (; end - at >= 16; at += 16) blocks.add(load_sixteen(at));
  blocks.add(load_first(at, static_cast<std::size_t>(end - at)));
  return blocks.is_valid();
}

#else

bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = at + text.size();
  while (at < end) {
    std::uint64_t word = 0;
    if (end - at >= 8) {
      std::memcpy(&word, at, 8);
      if (!(word & 0x8080808080808080u)) {
        at += 8;
        continue;
      }
    }
    if (*at < 0x80) {
      ++at;
      continue;
    }
    const unsigned char lead = *at;
    if (lead < 0xC2 || lead > 0xF4) return false;
    const int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (end - at <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if (at[i] < low || at[i] > high) return false;
      low = 0x80;
      high = 0xBF;
    }
    at += more + 1;
  }
  return true;
}

#endif

}  // namespace waybill::format
