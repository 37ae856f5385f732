#include "table.hpp"

#include <algorithm>

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

std::string printable(std::string text) {
  constexpr std::size_t k_cell = 100;
  if (text.size() > k_cell) {
    std::size_t end = k_cell;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // between characters
    text = text.substr(0, end) + "...";
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C1 controls are two bytes in UTF-8: c2 80 to c2 9f.
    const bool is_c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c < 0x20 || c == 0x7f) text[i] = '?';
    if (is_c1) text.replace(i, 2, "?");
  }
  return text;
}

}  // namespace waybill::cli
