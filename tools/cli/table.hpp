// A table of texts for people: columns as wide as their widest cell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::cli {

class Table {
 public:
  /// `numbers`: how many columns, the last ones, are right-aligned.
  Table(std::vector<std::string> head, std::size_t numbers) : rows_{std::move(head)}, numbers_(numbers) {}

  /// REQUIRES: as many cells as the head has.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Lines with their ends. Cells must be printable.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t numbers_;
};

/// What a terminal would take for commands, or for turning around what is read, is replaced by '?': texts come from elsewhere.
std::string harmless(std::string_view text);
/// The same, and what is longer than a cell is cut.
std::string printable(std::string text);
/// The same of JSON in one line, in whose texts such characters are escaped: they stay what they are.
std::string harmless_json(std::string_view json);

}  // namespace waybill::cli
