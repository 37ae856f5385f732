#include "table.hpp"

#include <algorithm>
#include <cstdio>

namespace waybill::cli {
namespace {

/// Columns that a text takes: its code points, as far as this tool cares.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string room(widths[i] - width_of(row[i]), ' ');
      const bool is_number = i + numbers_ >= row.size();
      const bool is_last = i + 1 == row.size();
      text += is_number ? room + row[i] : row[i] + (is_last ? "" : room);
      if (!is_last) text += "  ";
    }
    text += '\n';
  }
  return text;
}

namespace {

/// How many bytes there are a terminal's: a control character, or one that turns around what is read (the bidi controls of
/// UAX 9). 0: none.
std::size_t terminals_bytes(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  if (at(0) < 0x20 || at(0) == 0x7f) return 1;
  if (at(0) == 0xc2 && at(1) >= 0x80 && at(1) < 0xa0) return 2;  // C1
  if (at(0) == 0xd8 && at(1) == 0x9c) return 2;                  // U+061C
  if (at(0) != 0xe2) return 0;
  const bool is_mark = at(1) == 0x80 && (at(2) == 0x8e || at(2) == 0x8f);             // U+200E, U+200F
  const bool is_line_or_embedding = at(1) == 0x80 && at(2) >= 0xa8 && at(2) <= 0xae;  // U+2028 to U+202E
  const bool is_isolate = at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9;            // U+2066 to U+2069
  return is_mark || is_line_or_embedding || is_isolate ? 3 : 0;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t taken = terminals_bytes(text);
    out += taken ? '?' : text.front();
    text.remove_prefix(std::max<std::size_t>(taken, 1));
  }
  return out;
}

std::string harmless_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const std::size_t taken = terminals_bytes(json);
    if (taken == 0 || static_cast<unsigned char>(json.front()) < 0x20) {  // such is between tokens
      out += json.front();
      json.remove_prefix(1);
      continue;
    }
    unsigned code = static_cast<unsigned char>(json.front());
    if (taken > 1) code &= taken == 2 ? 0x1fu : 0x0fu;
    for (std::size_t i = 1; i < taken; ++i) code = code << 6 | (static_cast<unsigned char>(json[i]) & 0x3fu);
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", code);
    out += text;
    json.remove_prefix(taken);
  }
  return out;
}

std::string printable(std::string text) {
  constexpr std::size_t k_cell = 100;
  if (text.size() > k_cell) {
    std::size_t end = k_cell;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // between characters
    text = text.substr(0, end) + "...";
  }
  return harmless(text);
}

}  // namespace waybill::cli
