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

}  // namespace waybill::detail
