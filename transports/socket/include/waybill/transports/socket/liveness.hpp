// Liveness: when a connection is asked for a sign of life, and when it counts as lost. Pure: it is told the time.
//
// It is asked every interval, busy or not: so a server that stops is noticed within interval + timeout, and one that
// closes idle clients sees none.
#pragma once

#include <algorithm>
#include <chrono>

namespace waybill::socket {

class Liveness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  enum class Action { none, ask, lost };

  Liveness(Duration interval, Duration timeout) noexcept : interval_(interval), timeout_(timeout) {}

  void start(TimePoint now) noexcept {
    ask_at_ = now + interval_;
    give_up_at_ = TimePoint::max();
  }
  /// `was_heard`: something has come since the last call.
  Action at(TimePoint now, bool was_heard) noexcept {
    if (was_heard) give_up_at_ = TimePoint::max();
    if (give_up_at_ != TimePoint::max() && now - give_up_at_ > timeout_) {
      give_up_at_ = now + timeout_;  // it is this program that stood still: what has come was not read yet
    }
    if (now >= give_up_at_) return Action::lost;
    if (now < ask_at_) return Action::none;
    ask_at_ += interval_;
    if (ask_at_ <= now) ask_at_ = now + interval_;
    if (give_up_at_ == TimePoint::max()) give_up_at_ = now + timeout_;
    return Action::ask;
  }
  /// When at() is to be called next.
  TimePoint next() const noexcept { return std::min(ask_at_, give_up_at_); }

 private:
  const Duration interval_;
  const Duration timeout_;
  TimePoint ask_at_ = TimePoint::max();
  TimePoint give_up_at_ = TimePoint::max();
};

}  // namespace waybill::socket
