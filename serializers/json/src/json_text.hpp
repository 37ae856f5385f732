// JSON texts: quoting, unquoting and what happens to bytes that are no UTF-8. JavaScript's lone surrogates are kept as
// the three bytes that UTF-8 would have for them (WTF-8), so that they survive decoding and encoding.
#pragma once

#include "waybill/slice.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace waybill::json {

struct TextCheck {
  bool needs_escape = false;  ///< Holds `"`, `\` or a control character.
  bool is_utf8 = true;
};
TextCheck check_text(std::string_view text) noexcept;

bool is_utf8(std::string_view bytes) noexcept;

/// Appends the text with its quotes, as JSON.stringify writes it. False: it is neither UTF-8 nor lone surrogates.
bool append_quoted(std::string_view text, Buffer& out);

/// Appends what stands between the quotes of a JSON text, unescaped. False: an escape is wrong.
bool append_unescaped(std::string_view content, std::string& out);

/// The bytes with U+FFFD in place of what is not UTF-8, as the WHATWG decoder (and so NestJS) reads them.
std::string replace_invalid_utf8(std::string_view bytes);

}  // namespace waybill::json
