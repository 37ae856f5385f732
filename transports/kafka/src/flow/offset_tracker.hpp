// Which offset of a partition may be committed when its records are finished out of order, and which of its records are
// finished or in hand when they come once more. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace waybill::kafka {

/// Offsets ascend but need not be contiguous: compaction and transactions leave gaps. After restart() they begin anew, and
/// what is known of them stays.
class OffsetTracker {
 public:
  enum class Seen : std::uint8_t {
    fresh,    ///< To be handled; finish() or drop() tells of it.
    in_hand,  ///< It was taken before and is not finished.
    done,
  };

  /// A record came. REQUIRES: offset is above all that came since the last restart.
  Seen take(std::int64_t offset);
  /// A record is finished; unknown ones change nothing. True: advance() has something to say now, and had nothing before.
  bool finish(std::int64_t offset) noexcept;
  /// A record that was taken is not handled here after all, unless it comes again.
  void drop(std::int64_t offset) noexcept;
  /// No record below `offset` will come any more: those that were dropped are gone.
  void pass(std::int64_t offset) noexcept;

  /// Records come from `offset` on now; those before are no business of ours.
  void restart(std::int64_t offset) noexcept;
  /// The partition is another one than we knew: nothing of it is finished or in hand.
  void forget() noexcept { *this = {}; }

  /// The offset behind the last record of which all that came before are finished too: where a successor goes on.
  /// Nothing until there is one that was not given out since the restart.
  std::optional<std::int64_t> advance() noexcept;
  bool has_advance() const noexcept { return next_ != told_; }
  /// The same, given out or not. Negative: there was none yet.
  std::int64_t next() const noexcept { return next_; }

  /// Records from the first unfinished one on: what is kept in memory of them.
  std::size_t span() const noexcept { return open_.size(); }
  /// REQUIRES: span() > 0.
  std::int64_t first_open() const noexcept { return open_.front().offset; }

 private:
  enum class State : std::uint8_t { in_hand, dropped, finished };
  struct Record {
    std::int64_t offset;
    State state;
  };
  std::deque<Record>::iterator find(std::int64_t offset) noexcept;
  void move_on() noexcept;

  std::deque<Record> open_;  ///< From the first unfinished one on.
  std::size_t dropped_ = 0;  ///< Of those.
  std::int64_t seen_ = -1;   ///< No dropped record lies before it.
  std::int64_t next_ = -1;
  std::int64_t told_ = -1;  ///< What advance() has said last.
};

}  // namespace waybill::kafka
