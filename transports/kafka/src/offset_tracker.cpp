#include "offset_tracker.hpp"

#include <algorithm>

namespace waybill::kafka {

bool OffsetTracker::finish(std::int64_t offset) noexcept {
  const auto is_before = [](const Record& record, std::int64_t wanted) { return record.offset < wanted; };
  const auto found = std::lower_bound(open_.begin(), open_.end(), offset, is_before);
  if (found == open_.end() || found->offset != offset) return false;
  found->is_finished = true;
  const bool had_nothing = next_ == told_;
  while (!open_.empty() && open_.front().is_finished) {
    next_ = open_.front().offset + 1;
    open_.pop_front();
  }
  return had_nothing && next_ != told_;
}

std::optional<std::int64_t> OffsetTracker::advance() noexcept {
  if (next_ == told_) return std::nullopt;
  return told_ = next_;
}

}  // namespace waybill::kafka
