#include "waybill/transport/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace waybill::detail {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsCap) {
  transport::Backoff backoff({milliseconds(100), milliseconds(1000)});
  // The largest jitter gives the whole step.
  EXPECT_EQ(backoff.next(50), milliseconds(100));
  EXPECT_EQ(backoff.next(100), milliseconds(200));
  EXPECT_EQ(backoff.next(200), milliseconds(400));
  EXPECT_EQ(backoff.next(400), milliseconds(800));
  EXPECT_EQ(backoff.next(500), milliseconds(1000));
  for (int i = 0; i < 100; ++i) EXPECT_LE(backoff.next(static_cast<std::uint64_t>(i) * 977), milliseconds(1000));
}

TEST(Backoff, NeverPausesLessThanHalfAStep) {
  for (std::uint64_t random : {0ull, 1ull, 51ull, ~0ull}) {
    transport::Backoff backoff({milliseconds(100), milliseconds(1000)});
    const milliseconds pause = backoff.next(random);
    EXPECT_GE(pause, milliseconds(50));
    EXPECT_LE(pause, milliseconds(100));
  }
}

TEST(Backoff, AWholeStepIsNeverLessThanItSays) {
  for (std::uint64_t random : {0ull, 1ull, 51ull, ~0ull}) {
    transport::Backoff backoff({milliseconds(100), milliseconds(1000)});
    milliseconds all{0};
    for (const int step : {100, 200, 400, 800}) {
      const milliseconds pause = backoff.next_whole(random);
      EXPECT_GE(pause, milliseconds(step));
      EXPECT_LE(pause, milliseconds(std::min(step * 3 / 2, 1000)));
      all += pause;
    }
    EXPECT_EQ(backoff.next_whole(random), milliseconds(1000));
    // Five attempts with the default backoff outlast a dependency that is away for a second.
    EXPECT_GE(all, milliseconds(1'500));
  }
}

TEST(Backoff, AnythingThatAProgramSaysIsTaken) {
  const milliseconds strange[] = {milliseconds::min(), milliseconds(-1), milliseconds(0), milliseconds(1),
                                  milliseconds::max()};
  for (const milliseconds first : strange) {
    for (const milliseconds most : strange) {
      for (const unsigned tries : {0u, 1u, 70u, ~0u}) {
        EXPECT_GE(transport::Backoff({first, most}, tries).next(~0ull), milliseconds(0));
        EXPECT_GE(transport::Backoff({first, most}, tries).next_whole(~0ull), milliseconds(0));
      }
    }
  }
}

TEST(Backoff, StartsAgainAfterSuccess) {
  transport::Backoff backoff({milliseconds(100), milliseconds(1000)});
  for (int i = 0; i < 5; ++i) backoff.next(0);
  backoff.reset();
  EXPECT_EQ(backoff.next(0), milliseconds(50));
}

}  // namespace
}  // namespace waybill::detail
