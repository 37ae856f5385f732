// Contract, roles used directly: messages that are given up, and what becomes of them.
#include "conformance.hpp"

namespace waybill::conformance {
namespace {

TEST_P(TransportConformance, ARejectedMessageIsParkedWithItsReason) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().dead_letters != Support::impossible);
  const auto listener = listen({event_route("work")}, {.dead_letter = stage->dead_letter()});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "poison");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  delivery.failure = Error("E42", "no such \"item\"");
  park(delivery);
  const auto letters = wait_for_dead_letters(1);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(decode(letters[0].packet), "poison");
  EXPECT_FALSE(letters[0].origin.empty());
  EXPECT_NE(letters[0].error.find("no such \"item\""), std::string::npos) << letters[0].error;
  EXPECT_EQ(letters[0].attempts, 1);
  EXPECT_TRUE(listener->sink.deliveries.empty());
}

TEST_P(TransportConformance, ADeadLetterThatIsReplayedComesAsNew) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().dead_letters != Support::impossible);
  const auto listener = listen({event_route("work")}, {.dead_letter = stage->dead_letter()});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "poison");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto poison = listener->take();
  park(poison);
  ASSERT_EQ(wait_for_dead_letters(1).size(), 1u);
  const auto box = open_dead_letters();
  const auto letters = test::run_until(loop, box->list(10)).value();
  ASSERT_EQ(letters.size(), 1u);
  test::run_until(loop, box->replay(letters[0])).value();
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  EXPECT_EQ(decode(delivery.packet), "poison");
  EXPECT_EQ(delivery.packet.pattern.text.empty() ? delivery.packet.route : delivery.packet.pattern.text, "work");
  EXPECT_EQ(delivery.attempt, 1);
  EXPECT_FALSE(delivery.packet.headers.find(header::k_error));
  delivery.settle(Settlement::ack);
  EXPECT_TRUE(test::run_until(loop, box->list(10)).value().empty());
  box->close();
}

TEST_P(TransportConformance, ADeadLetterThatIsDroppedIsGoneAndTheOthersStay) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().dead_letters != Support::impossible);
  const auto listener = listen({event_route("work")}, {.dead_letter = stage->dead_letter()});
  const auto connection = connect(*listener);
  send_and_park(*listener, *connection, "work", {"one", "two", "three"});
  const auto parked = wait_for_dead_letters(3);
  ASSERT_EQ(parked.size(), 3u);
  {
    const auto box = open_dead_letters();
    const auto letters = test::run_until(loop, box->list(10)).value();
    ASSERT_EQ(letters.size(), 3u);
    EXPECT_EQ(letters[1].id, parked[1].id);
    test::run_until(loop, box->drop(letters[1])).value();
    box->close();
  }
  const auto left = wait_for_dead_letters(2);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id, parked[0].id);
  EXPECT_EQ(left[1].id, parked[2].id);
}

TEST_P(TransportConformance, ABoxListsNoMoreThanItsLimit) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().dead_letters != Support::impossible);
  const auto listener = listen({event_route("work")}, {.dead_letter = stage->dead_letter()});
  const auto connection = connect(*listener);
  send_and_park(*listener, *connection, "work", {"one", "two", "three"});
  ASSERT_EQ(wait_for_dead_letters(3).size(), 3u);
  const auto box = open_dead_letters();
  EXPECT_EQ(test::run_until(loop, box->list(2)).value().size(), 2u);
  box->close();
}

TEST_P(TransportConformance, ATransportWithoutDeadLettersHasNoBox) {
  if (capabilities().dead_letters != Support::impossible) WAYBILL_NOT_APPLICABLE("the transport has dead letters");
  EXPECT_EQ(open_dead_letters(), nullptr);
}

}  // namespace
}  // namespace waybill::conformance
