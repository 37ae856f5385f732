// How long one slow reader of a stream may keep a client's link from reading. Pure.
#pragma once

#include "waybill/detail/clock.hpp"

namespace waybill::detail {

/// A pause lasts k_most at most, so that a reader which waits for something else ends by the bound of its queue. While
/// others wait for replies over the same link it is followed by as long a time of reading: at most half is the slow one's.
class ReadPause {
 public:
  static constexpr std::chrono::milliseconds k_most{5};

  bool may_begin(bool others_wait, TimePoint now) const noexcept { return !others_wait || now >= next_; }
  void ended(TimePoint now) noexcept { next_ = now + k_most; }

 private:
  TimePoint next_{};
};

}  // namespace waybill::detail
