// What a listener of amqp is given, and what it should be given.
#include "amqp_listener_rig.hpp"

#include <vector>

namespace waybill::amqp {
namespace {

TEST_F(AmqpListenerAlone, AConsumerThatGetsNothingOfAQueueThatHoldsMessagesIsLost) {
  bool is_opening = true;
  broker.answers = [&](const FakeBroker::Asked& one) {
    if (is_opening || one.id != AMQP_QUEUE_DECLARE_METHOD) return true;
    broker.say(one.channel, AMQP_QUEUE_DECLARE_OK_METHOD, amqp_queue_declare_ok_t{amqp_cstring_bytes("q"), 5, 1});
    return false;
  };
  listen("&queue_type=quorum");
  ASSERT_TRUE(open());
  is_opening = false;
  EXPECT_TRUE(test::eventually(loop, [this] { return listening.sink.lost.size() == 1; }));
  EXPECT_NE(std::string(listening.sink.lost.at(0).message()).find("holds 5 messages, and its consumer gets none"),
            std::string::npos);
}

TEST_F(AmqpListenerAlone, RequestsThatLastForLongDoNotKeepTheOtherPlacesEmpty) {
  max_in_flight = 8;
  std::vector<Delivery> in_hand;
  listen("&delivery=at_most_once").sink.on_each = [&](Delivery&& delivery) {
    delivery.own();
    in_hand.push_back(std::move(delivery));
  };
  ASSERT_TRUE(open());
  std::string messages;
  for (std::uint64_t tag = 1; tag <= 12; ++tag) messages += FakeBroker::delivery(1, tag, k_request);
  broker.send(messages);
  for (int others = 0; others < 4; ++others) {
    ASSERT_TRUE(test::eventually(loop, [&] { return in_hand.size() == 8; })) << others;
    in_hand.pop_back();  // the first seven stay
  }
  EXPECT_TRUE(test::eventually(loop, [&] { return in_hand.size() == 8; }));
}

}  // namespace
}  // namespace waybill::amqp
