#include "client/outbox.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

TimePoint at(int s) { return TimePoint(std::chrono::seconds(s)); }

void add(Outbox& outbox, std::uint32_t slot, int give_up) {
  Packet packet;
  packet.has_payload = true;
  packet.payload = Slice::copy("payload");
  outbox.add(packet, Ticket{slot} + 1, CallKey{slot, 7}, at(give_up));
}

TEST(Outbox, GivesBackInOrderAndCountsItsBytes) {
  Outbox outbox;
  EXPECT_EQ(outbox.first_number(), outbox.next_number());
  for (std::uint32_t slot = 0; slot < 3; ++slot) add(outbox, slot, 10);
  EXPECT_GT(outbox.bytes(), 3 * sizeof(Packet));
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    EXPECT_EQ(outbox.first_number(), slot);
    EXPECT_EQ(outbox.pop().key.slot, slot);
  }
  EXPECT_EQ(outbox.first_number(), 3u) << "all have left";
  EXPECT_EQ(outbox.bytes(), 0u);
  EXPECT_EQ(outbox.earliest(), TimePoint::max());
}

TEST(Outbox, TheLateOnesMayStandAnywhere) {
  Outbox outbox;
  add(outbox, 0, 30);
  add(outbox, 1, 10);
  add(outbox, 2, 20);
  EXPECT_EQ(outbox.earliest(), at(10));
  EXPECT_TRUE(outbox.take_late(at(9)).empty());
  const auto late = outbox.take_late(at(20));
  ASSERT_EQ(late.size(), 2u);
  EXPECT_EQ(late[0].key.slot, 1u);
  EXPECT_EQ(late[1].key.slot, 2u);
  EXPECT_EQ(outbox.earliest(), at(30));
  EXPECT_EQ(outbox.size(), 1u);
}

TEST(Outbox, ACallIsTakenByItsWholeKey) {
  Outbox outbox;
  add(outbox, 0, 10);
  add(outbox, 1, 10);
  EXPECT_FALSE(outbox.take(CallKey{1, 8})) << "of another generation";
  EXPECT_TRUE(outbox.take(CallKey{1, 7}));
  EXPECT_FALSE(outbox.take(CallKey{1, 7}));
  EXPECT_EQ(outbox.size(), 1u);
}

}  // namespace
}  // namespace waybill::detail
