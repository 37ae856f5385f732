// Counting UTF-16 units in UTF-8 text, sixteen bytes at a time where the text is valid.
#pragma once

#include <cstddef>

namespace waybill::tcp {

/// How far a text has been counted. Always between two characters.
struct Utf16Cursor {
  std::size_t bytes = 0;
  std::size_t units = 0;
  bool is_utf8 = true;  // all of it
};

/// Moves the cursor until it has `want` units or no whole character is left. What is not UTF-8 counts as the decoders
/// of browsers and Node count it: one U+FFFD for each longest beginning of a character. If the last unit wanted would
/// split a surrogate pair, the cursor ends with one unit too many.
/// REQUIRES: k_padding readable bytes behind text + size.
void count_utf16(const char* text, std::size_t size, std::size_t want, Utf16Cursor& cursor) noexcept;

/// Units of a whole text; an unfinished last character counts one. REQUIRES: padding as above.
std::size_t utf16_length(const char* text, std::size_t size) noexcept;
/// The same for text that a serializer of ours has just written, in fewer steps.
std::size_t utf16_length_of_own(const char* text, std::size_t size) noexcept;

}  // namespace waybill::tcp
