// The clock of deadlines: coarse (some milliseconds) and nearly free, so that it may be read for each call.
#pragma once

#include <time.h>

#include <chrono>

namespace waybill::detail {

using TimePoint = std::chrono::steady_clock::time_point;

inline TimePoint coarse_now() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
#else
  return std::chrono::steady_clock::now();
#endif
}

/// `now + duration`, for any duration that a program may give: what would pass the end of the clock never comes
/// (TimePoint::max()), and what is negative has passed.
template <class Rep, class Period>
TimePoint deadline_after(TimePoint now, std::chrono::duration<Rep, Period> duration) noexcept {
  using Duration = std::chrono::duration<Rep, Period>;
  if (duration <= Duration::zero()) return now;
  if (duration >= std::chrono::duration_cast<Duration>(TimePoint::max() - now)) return TimePoint::max();
  return now + std::chrono::duration_cast<TimePoint::duration>(duration);
}

}  // namespace waybill::detail
