#include "waybill/detail/backoff.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsCap) {
  Backoff backoff({milliseconds(100), milliseconds(1000)});
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
    Backoff backoff({milliseconds(100), milliseconds(1000)});
    const milliseconds pause = backoff.next(random);
    EXPECT_GE(pause, milliseconds(50));
    EXPECT_LE(pause, milliseconds(100));
  }
}

TEST(Backoff, StartsAgainAfterSuccess) {
  Backoff backoff({milliseconds(100), milliseconds(1000)});
  for (int i = 0; i < 5; ++i) backoff.next(0);
  backoff.reset();
  EXPECT_EQ(backoff.next(0), milliseconds(50));
}

}  // namespace
}  // namespace waybill::detail
