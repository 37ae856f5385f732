// A consumer that gets nothing of a queue that holds messages.
#include "flow/deafness.hpp"

#include <gtest/gtest.h>

namespace waybill::amqp {
namespace {

using std::chrono::milliseconds;

struct Listener {
  bool is_suspected(std::uint64_t messages, bool has_room = true) {
    return deafness.is_suspected(messages, has_room, now);
  }
  void pass(milliseconds time) { now += time; }

  Deafness deafness;
  Deafness::TimePoint now{milliseconds(1'000'000)};
};

TEST(AmqpDeafness, IsSuspectedWhereMessagesWaitAndNoneComes) {
  Listener listener;
  EXPECT_FALSE(listener.is_suspected(5));
  listener.pass(milliseconds(2'000));
  EXPECT_FALSE(listener.is_suspected(6));
  listener.pass(milliseconds(999));
  EXPECT_FALSE(listener.is_suspected(6));
  listener.pass(milliseconds(1));
  EXPECT_TRUE(listener.is_suspected(7));
}

TEST(AmqpDeafness, IsNotSuspectedByTheFirstLookAfterAStandstill) {
  Listener listener;
  EXPECT_FALSE(listener.is_suspected(5));
  listener.pass(milliseconds(60'000));
  EXPECT_FALSE(listener.is_suspected(5)) << "what came meanwhile is behind it";
  listener.deafness.message_came();
  EXPECT_FALSE(listener.is_suspected(4));
}

TEST(AmqpDeafness, IsNotSuspectedWhileMessagesComeOrNoneWaitOrThereIsNoRoom) {
  for (const auto& innocent : {+[](Listener& listener) { listener.deafness.message_came(); },
                               +[](Listener& listener) { EXPECT_FALSE(listener.is_suspected(0)); },
                               +[](Listener& listener) { EXPECT_FALSE(listener.is_suspected(9, false)); }}) {
    Listener listener;
    for (int second = 0; second < 20; second += 2) {
      EXPECT_FALSE(listener.is_suspected(9));
      listener.pass(milliseconds(2'000));
      innocent(listener);
    }
  }
}

TEST(AmqpDeafness, IsSuspectedOnceUntilAMessageComes) {
  Listener listener;
  const auto suspects_in_a_minute = [&listener] {
    int times = 0;
    for (int second = 0; second < 60; ++second) {
      times += listener.is_suspected(9);
      listener.pass(milliseconds(1'000));
    }
    return times;
  };
  EXPECT_EQ(suspects_in_a_minute(), 1);
  EXPECT_EQ(suspects_in_a_minute(), 0) << "somebody else is served";
  listener.deafness.message_came();
  EXPECT_EQ(suspects_in_a_minute(), 1);
}

}  // namespace
}  // namespace waybill::amqp
