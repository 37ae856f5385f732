// Back-pressure: records that nobody takes stay in librdkafka's queue, and if that lasts, at the broker. Pure.
#pragma once

#include <cstdint>
#include <utility>

namespace waybill::kafka {

class FlowControl {
 public:
  enum class State : std::uint8_t {
    flowing,
    held,    ///< Messages were left in the queue; but rebalances come through it as well.
    paused,  ///< At the broker: what comes through the queue is no record.
  };

  /// False: leave the rest in the queue until reopen().
  bool wants_messages(bool is_blocked) noexcept {
    if (state_ == State::paused || !is_blocked) return true;
    state_ = State::held;
    return false;
  }
  /// Every second. True: pause at the broker now.
  bool tick(bool is_blocked) noexcept {
    blocked_ticks_ = is_blocked ? blocked_ticks_ + 1 : 0;
    return blocked_ticks_ > 1 && pause();
  }
  /// True: it was not paused before.
  bool pause() noexcept { return std::exchange(state_, State::paused) != State::paused; }
  /// Other partitions are ours now, which nobody has paused. True: resume the others, so that all are alike; if that was
  /// too early, a tick sees to it.
  bool rebalanced() noexcept {
    if (state_ != State::paused) return false;
    state_ = State::held;
    return true;
  }
  /// There is room again. The state so far: what was paused is to be resumed, and the queue to be looked at.
  State reopen() noexcept { return std::exchange(state_, State::flowing); }

 private:
  State state_ = State::flowing;
  int blocked_ticks_ = 0;
};

}  // namespace waybill::kafka
