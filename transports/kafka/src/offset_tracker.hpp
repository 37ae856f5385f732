// Which offset of a partition may be committed when its records are finished out of order. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace waybill::kafka {

/// Offsets ascend but need not be contiguous: compaction and transactions leave gaps.
class OffsetTracker {
 public:
  /// A record was taken. REQUIRES: offset is above all that were taken before.
  void take(std::int64_t offset) { open_.push_back({offset, false}); }

  /// A record is finished. REQUIRES: it was taken. True: advance() has something to say now, and had nothing before.
  bool finish(std::int64_t offset) noexcept;

  /// The offset behind the last record of which all that came before are finished too: where a successor goes on.
  /// Nothing until there is one that was not given out before.
  std::optional<std::int64_t> advance() noexcept;
  /// The same, given out or not. Negative: there was none yet.
  std::int64_t next() const noexcept { return next_; }

  std::size_t unfinished() const noexcept { return open_.size(); }

 private:
  struct Record {
    std::int64_t offset;
    bool is_finished;
  };
  std::deque<Record> open_;  ///< From the first unfinished one on.
  std::int64_t next_ = -1;
  std::int64_t told_ = -1;  ///< What advance() has said last.
};

}  // namespace waybill::kafka
