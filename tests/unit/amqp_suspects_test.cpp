// Which message the broker closed a channel for, when nothing is confirmed on it.
#include "flow/suspects.hpp"

#include <gtest/gtest.h>

namespace waybill::amqp {
namespace {

Suspects::Message message(Ticket ticket, std::uint64_t size, bool names_user = false) {
  Suspects::Message one;
  one.ticket = ticket;
  one.body_size = size;
  one.names_user = names_user;
  return one;
}

TEST(AmqpSuspects, SmallMessagesAreNotWatched) {
  Suspects suspects;
  suspects.sent(message(1, 100), "frames");
  EXPECT_FALSE(suspects.is_watching());
  EXPECT_TRUE(suspects.closed(0, false).refused.empty());
}

TEST(AmqpSuspects, TheOneThatIsTooLargeIsNamedAndTheOthersAreSentAgain) {
  Suspects suspects;
  suspects.sent(message(1, 100'000), "A");  // large, but taken
  suspects.sent(message(2, 10), "b");
  suspects.sent(message(3, 200'000), "C");
  suspects.sent(message(4, 10), "d");
  suspects.sent(message(5, 90'000), "E");
  EXPECT_TRUE(suspects.wants_fence());
  const auto verdict = suspects.closed(200'000, false);
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].ticket, 3u);
  EXPECT_EQ(verdict.again.view(), "dE") << "those before it were taken, those behind it were not";
  EXPECT_TRUE(suspects.wants_fence()) << "E may be refused as well";
  const auto second = suspects.closed(90'000, false);
  ASSERT_EQ(second.refused.size(), 1u);
  EXPECT_EQ(second.refused[0].ticket, 5u);
  EXPECT_TRUE(second.again.empty());
  EXPECT_FALSE(suspects.is_watching());
}

TEST(AmqpSuspects, AFenceEndsTheWatch) {
  Suspects suspects;
  suspects.sent(message(1, 100'000), "A");
  suspects.fence_sent();
  EXPECT_FALSE(suspects.wants_fence());
  suspects.sent(message(2, 10), "b");
  suspects.sent(message(3, 70'000), "C");
  suspects.sent(message(4, 10), "d");
  suspects.fence_answered();
  EXPECT_TRUE(suspects.is_watching()) << "C came behind the fence";
  EXPECT_TRUE(suspects.wants_fence());
  suspects.fence_sent();
  EXPECT_EQ(suspects.closed(70'000, false).again.view(), "d");
  suspects.sent(message(5, 10), "e");  // d is watched still
  suspects.fence_sent();
  suspects.fence_answered();
  EXPECT_FALSE(suspects.is_watching());
}

TEST(AmqpSuspects, AUserThatIsNotOursIsFoundAtAnySize) {
  Suspects suspects;
  suspects.sent(message(1, 5, true), "A");
  suspects.sent(message(2, 5), "b");
  const auto verdict = suspects.closed(0, true);
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].ticket, 1u);
  EXPECT_EQ(verdict.again.view(), "b");
}

TEST(AmqpSuspects, OfAnotherReasonNothingIsSaid) {
  Suspects suspects;
  suspects.sent(message(1, 100'000), "A");
  EXPECT_TRUE(suspects.closed(0, false).refused.empty());
  EXPECT_FALSE(suspects.is_watching());
}

}  // namespace
}  // namespace waybill::amqp
