// A clock that stands still until a test moves it, for code that is told the time.
#pragma once

#include <chrono>

namespace waybill::test {

class ManualClock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  TimePoint now() const noexcept { return now_; }
  TimePoint advance(std::chrono::nanoseconds by) noexcept { return now_ += by; }

 private:
  TimePoint now_{std::chrono::hours(1)};  // not zero: code must not take the clock's start for "never"
};

}  // namespace waybill::test
