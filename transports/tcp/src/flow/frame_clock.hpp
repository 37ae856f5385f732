// FrameClock: until when an unfinished frame may stay unfinished.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/transports/tcp.hpp"

#include <algorithm>

namespace waybill::tcp {

class FrameClock {
 public:
  explicit FrameClock(const Options& options)
      : idle_(options.incomplete_message_timeout), whole_(options.frame_timeout) {}

  /// After a read: `unfinished` if bytes of a frame are left, `progressed` if a frame was completed before them.
  detail::TimePoint after_read(bool unfinished, bool progressed) noexcept {
    if (!unfinished) {
      running_ = false;
      return detail::TimePoint::max();
    }
    const auto now = detail::coarse_now();
    if (!running_ || progressed) began_ = now;
    running_ = true;
    auto until = detail::TimePoint::max();
    if (idle_.count()) until = now + idle_;
    if (whole_.count()) until = std::min(until, began_ + whole_);
    return until;
  }
  /// After a pause of reading, which was not the peer's doing: what was unfinished has its whole time again.
  detail::TimePoint after_pause() noexcept { return after_read(running_, true); }

 private:
  std::chrono::milliseconds idle_;
  std::chrono::milliseconds whole_;
  detail::TimePoint began_;
  bool running_ = false;
};

}  // namespace waybill::tcp
