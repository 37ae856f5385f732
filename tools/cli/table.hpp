// A table of texts for people: columns as wide as their widest cell.
#pragma once

#include <cstddef>
#include <string>
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

/// What a terminal would take for commands is replaced by '?', and what is longer than a cell is cut: names and patterns
/// come from elsewhere.
std::string printable(std::string text);

}  // namespace waybill::cli
