// Which records of a dead-letter topic somebody has decided about: all before an offset, and some behind it. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

/// Kept as a group's committed offset and its metadata: ranges such as "7,9-12".
class DecidedOffsets {
 public:
  DecidedOffsets() = default;
  /// What cannot be read in `metadata` counts as not decided.
  DecidedOffsets(std::int64_t first_open, std::string_view metadata);

  void decide(std::int64_t offset) { behind_.insert(offset); }
  bool contains(std::int64_t offset) const { return offset < first_open_ || behind_.contains(offset); }
  /// Moves on over decided records. `there`: offsets that exist, ascending and without a hole, from first_open() on.
  void advance(const std::vector<std::int64_t>& there);

  std::int64_t first_open() const noexcept { return first_open_; }
  std::string metadata() const;

 private:
  std::int64_t first_open_ = 0;
  std::set<std::int64_t> behind_;
};

}  // namespace waybill::kafka
