// A scanner that checks JSON text and finds where a value ends, without keeping anything of it and without recursion.
#pragma once

#include <string_view>

namespace waybill::json {

struct Scan {
  enum class Outcome { ok, malformed, too_deep };
  Outcome outcome;
  const char* end;  ///< Behind the value; where it is wrong otherwise.
};

/// Checks the value that starts at `at`. Texts are not checked to be UTF-8.
/// REQUIRES: k_padding readable bytes behind `end`.
Scan scan_value(const char* at, const char* end) noexcept;

/// The same of any depth.
Scan scan_any_depth(const char* at, const char* end);

/// Behind the number at `at`; null if there is none.
const char* number_end(const char* at, const char* end) noexcept;

/// Behind the closing quote of the text whose content starts at `at`; null if it is wrong.
/// REQUIRES: k_padding readable bytes behind `end`.
const char* text_end(const char* at, const char* end) noexcept;

/// Whether all of `text` is one number of JSON.
bool is_number(std::string_view text) noexcept;

}  // namespace waybill::json
