#include "client/unconfirmed.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

Packet event(std::string_view text) {
  Packet packet;
  packet.has_payload = true;
  packet.payload = Slice::copy(text);
  return packet;
}

TEST(Unconfirmed, KeepsWhatItIsGivenUntilItIsTaken) {
  Unconfirmed events;
  const Ticket first = events.add(event("one"), CallKey{3, 4});
  const Ticket second = events.add(event("two"), std::nullopt);
  EXPECT_TRUE(Unconfirmed::is_of(first));
  EXPECT_NE(first, second);
  EXPECT_EQ(events.size(), 2u);
  const auto taken = events.take(first);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->packet.payload.view(), "one");
  ASSERT_TRUE(taken->caller);
  EXPECT_EQ(taken->caller->slot, 3u);
  EXPECT_FALSE(events.take(first)) << "taken twice";
  EXPECT_EQ(events.tickets(), std::vector<Ticket>{second});
  EXPECT_FALSE(events.find(second)->caller);
}

TEST(Unconfirmed, ConfirmationsMayComeInAnyOrder) {
  Unconfirmed events;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 5; ++i) tickets.push_back(events.add(event("x"), std::nullopt));
  for (const std::size_t at : {3u, 1u, 4u, 0u}) EXPECT_TRUE(events.take(tickets[at]));
  EXPECT_EQ(events.tickets(), std::vector<Ticket>{tickets[2]});
  EXPECT_TRUE(events.take(tickets[2]));
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(events.bytes(), 0u);
  const Ticket next = events.add(event("y"), std::nullopt);
  EXPECT_EQ(std::count(tickets.begin(), tickets.end(), next), 0) << "a ticket came back";
}

TEST(Unconfirmed, OwnsWhatItKeepsAndCountsItsBytes) {
  Unconfirmed events;
  Ticket ticket = 0;
  {
    const std::string text(1'000, 'x');
    Packet packet;
    packet.has_payload = true;
    packet.payload = Slice::borrow(text);
    ticket = events.add(packet, std::nullopt);
  }
  EXPECT_EQ(events.find(ticket)->packet.payload.view(), std::string(1'000, 'x'));
  EXPECT_GE(events.bytes(), 1'000u);
}

TEST(Unconfirmed, StrangeTicketsAreNotOfIt) {
  Unconfirmed events;
  EXPECT_FALSE(Unconfirmed::is_of(7));
  EXPECT_FALSE(Unconfirmed::is_of(k_failure_only | 7));
  EXPECT_FALSE(events.take(Unconfirmed::k_mark | 12'345));
}

}  // namespace
}  // namespace waybill::detail
