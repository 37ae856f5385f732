#include "waybill/detail/clock.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(DeadlineAfter, IsTheSumWhereThereIsOne) {
  const TimePoint now{hours(1)};
  EXPECT_EQ(deadline_after(now, milliseconds(250)), now + milliseconds(250));
  EXPECT_EQ(deadline_after(now, hours(24 * 365)), now + hours(24 * 365));
  EXPECT_EQ(deadline_after(now, milliseconds(0)), now);
}

TEST(DeadlineAfter, WhatPassesTheEndOfTheClockNeverComes) {
  const TimePoint now{hours(1)};
  EXPECT_EQ(deadline_after(now, milliseconds::max()), TimePoint::max());
  EXPECT_EQ(deadline_after(now, hours::max()), TimePoint::max());
  EXPECT_EQ(deadline_after(now, std::chrono::nanoseconds::max()), TimePoint::max());
  EXPECT_EQ(deadline_after(TimePoint::max(), milliseconds(1)), TimePoint::max());
}

TEST(DeadlineAfter, WhatIsNegativeHasPassed) {
  const TimePoint now{hours(1)};
  EXPECT_EQ(deadline_after(now, milliseconds(-1)), now);
  EXPECT_EQ(deadline_after(now, milliseconds::min()), now);
}

}  // namespace
}  // namespace waybill::detail
