// UTF-8: whether a text is, and its code points one by one.
#pragma once

#include <string_view>

namespace waybill::format {

/// Whether the text is UTF-8.
bool is_utf8(std::string_view text) noexcept;

/// Takes one code point off the front of `text`; a byte that fits nowhere counts as U+FFFD. REQUIRES: !text.empty().
char32_t next_code_point(std::string_view& text) noexcept;

/// Appends a code point to a std::string or a Buffer; a surrogate as the three bytes that UTF-8 would have for it.
template <class Out>
void append_utf8(char32_t code_point, Out& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | (code_point >> 12));
    } else {
      put(0xF0 | (code_point >> 18));
      put(0x80 | ((code_point >> 12) & 0x3F));
    }
    put(0x80 | ((code_point >> 6) & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

}  // namespace waybill::format
