#include "service/unhandled_log.hpp"

#include "support/manual_clock.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

using std::chrono::seconds;

TEST(UnhandledLog, TellsEachPatternOnceAMinuteWithItsCount) {
  test::ManualClock clock;
  UnhandledLog log;
  EXPECT_EQ(log.add("a", clock.now()).count, 1u);
  EXPECT_EQ(log.add("a", clock.now()).count, 0u);
  EXPECT_EQ(log.add("b", clock.now()).count, 1u);
  EXPECT_EQ(log.add("a", clock.advance(seconds(59))).count, 0u);
  EXPECT_EQ(log.add("a", clock.advance(seconds(1))).count, 3u);
  EXPECT_EQ(log.add("b", clock.now()).count, 1u);
}

TEST(UnhandledLog, PatternsFromOutsideTakeNoMoreThanTheirRoom) {
  test::ManualClock clock;
  UnhandledLog log;
  std::uint64_t lines = 0;
  std::uint64_t told = 0;
  for (int i = 0; i < 10'000; ++i) {
    const UnhandledLog::Line line = log.add(std::to_string(i), clock.now());
    lines += line.count ? 1 : 0;
    told += line.count;
  }
  EXPECT_EQ(lines, UnhandledLog::k_most + 1);
  const UnhandledLog::Line line = log.add("9999", clock.advance(seconds(60)));
  EXPECT_EQ(line.count, 1u) << "old ones make room";
  EXPECT_FALSE(line.is_of_others);
}

TEST(UnhandledLog, ShowsNothingThatWouldDisturbALog) {
  EXPECT_EQ(printable("order\n\x1b[31m"), "order??[31m");
  EXPECT_EQ(printable(std::string(200, 'x')), std::string(UnhandledLog::k_most_text, 'x') + "...");
}

}  // namespace
}  // namespace waybill::detail
