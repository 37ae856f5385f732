#include "flow/offset_tracker.hpp"

#include <algorithm>

namespace waybill::kafka {

std::deque<OffsetTracker::Record>::iterator OffsetTracker::find(std::int64_t offset) noexcept {
  const auto is_before = [](const Record& record, std::int64_t wanted) { return record.offset < wanted; };
  return std::lower_bound(open_.begin(), open_.end(), offset, is_before);
}

OffsetTracker::Seen OffsetTracker::take(std::int64_t offset) {
  if (dropped_ > 0) pass(offset);
  if (offset < next_) return Seen::done;
  if (open_.empty() || open_.back().offset < offset) {
    open_.push_back({offset, State::in_hand});
    return Seen::fresh;
  }
  const auto found = find(offset);
  if (found->offset != offset) {
    open_.insert(found, {offset, State::in_hand});
    return Seen::fresh;
  }
  if (found->state == State::in_hand) return Seen::in_hand;
  if (found->state == State::finished) return Seen::done;
  found->state = State::in_hand;
  --dropped_;
  return Seen::fresh;
}

bool OffsetTracker::finish(std::int64_t offset) noexcept {
  const auto found = find(offset);
  if (found == open_.end() || found->offset != offset) return false;
  if (found->state == State::dropped) --dropped_;
  found->state = State::finished;
  const bool had_nothing = !has_advance();
  move_on();
  return had_nothing && has_advance();
}

void OffsetTracker::drop(std::int64_t offset) noexcept {
  const auto found = find(offset);
  if (found == open_.end() || found->offset != offset || found->state != State::in_hand) return;
  found->state = State::dropped;
  ++dropped_;
}

void OffsetTracker::pass(std::int64_t offset) noexcept {
  for (auto record = find(seen_); record != open_.end() && record->offset < offset; ++record) {
    if (record->state != State::dropped) continue;
    record->state = State::finished;
    --dropped_;
  }
  seen_ = offset;
  move_on();
}

void OffsetTracker::move_on() noexcept {
  while (!open_.empty() && open_.front().state == State::finished) {
    next_ = open_.front().offset + 1;
    open_.pop_front();
  }
}

void OffsetTracker::restart(std::int64_t offset) noexcept {
  while (!open_.empty() && open_.front().offset < offset) {
    if (open_.front().state == State::dropped) --dropped_;
    open_.pop_front();
  }
  seen_ = offset;
  told_ = offset;
  next_ = std::max(next_, offset);
  move_on();
}

std::optional<std::int64_t> OffsetTracker::advance() noexcept {
  if (next_ == told_) return std::nullopt;
  return told_ = next_;
}

}  // namespace waybill::kafka
