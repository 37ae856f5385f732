#include "flow/decided_offsets.hpp"

#include <charconv>

namespace waybill::kafka {
namespace {

constexpr std::int64_t k_longest_range = 1'000'000;  ///< The text comes from outside.

bool read_offset(std::string_view& text, std::int64_t& offset) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || offset < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

DecidedOffsets::DecidedOffsets(std::int64_t first_open, std::string_view metadata)
    : first_open_(first_open < 0 ? 0 : first_open) {
  while (!metadata.empty()) {
    std::int64_t first = 0;
    if (!read_offset(metadata, first)) return;
    std::int64_t last = first;
    if (metadata.starts_with('-')) {
      metadata.remove_prefix(1);
      if (!read_offset(metadata, last) || last - first > k_longest_range) return;
    }
    for (std::int64_t offset = first; offset <= last; ++offset) behind_.insert(offset);
    if (!metadata.starts_with(',')) return;
    metadata.remove_prefix(1);
  }
}

void DecidedOffsets::advance(const std::vector<std::int64_t>& there) {
  for (const std::int64_t offset : there) {
    if (offset < first_open_) continue;
    first_open_ = offset;
    if (!behind_.contains(offset)) break;
    first_open_ = offset + 1;
  }
  behind_.erase(behind_.begin(), behind_.lower_bound(first_open_));
}

std::string DecidedOffsets::metadata() const {
  std::string text;
  for (auto first = behind_.begin(); first != behind_.end();) {
    auto end = first;
    std::int64_t last = *first;
    while (++end != behind_.end() && *end == last + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(*first);
    if (last != *first) text += '-' + std::to_string(last);
    first = end;
  }
  return text;
}

}  // namespace waybill::kafka
