// A listener of amqp and a broker that answers late, refuses, or does not answer at all.
#include "amqp_listener_rig.hpp"
#include "support/eventually.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace waybill::amqp {
namespace {

TEST_F(AmqpListenerAlone, AnOpeningThatIsNotAnsweredEndsInTimeAndSaysWhatItWaitedFor) {
  broker.answers = [](const FakeBroker::Asked& one) { return one.id != AMQP_BASIC_CONSUME_METHOD; };
  listen("&start_timeout=300ms");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::refused);
  EXPECT_NE(opened.error().message().find("consuming the queue q"), std::string_view::npos) << opened.error().what();
}

TEST_F(AmqpListenerAlone, ABrokerThatIsSlowAtTheFirstLoginIsNotGreetedByStrangers) {
  broker.is_slow = true;
  asio::steady_timer timer(loop, std::chrono::milliseconds(2'000));
  timer.async_wait([this](const asio::error_code&) {
    EXPECT_EQ(broker.peers(), 1u);
    broker.wake_up();
  });
  listen();
  EXPECT_TRUE(open());
  EXPECT_EQ(broker.peers(), 2u) << "one link to consume, and one to publish";
}

TEST_F(AmqpListenerAlone, WhatComesBehindConsumeOkIsAnsweredAndAcknowledged) {
  broker.answers = [this](const FakeBroker::Asked& one) {
    if (one.id == AMQP_CONFIRM_SELECT_METHOD) return false;  // late: another process of the broker
    if (one.id != AMQP_BASIC_CONSUME_METHOD) return true;
    Buffer bytes;
    amqp_basic_consume_ok_t consumed{amqp_cstring_bytes("c")};
    append_method(bytes, one.channel, AMQP_BASIC_CONSUME_OK_METHOD, &consumed);
    broker.send(std::string(bytes.view()) + FakeBroker::delivery(one.channel, 1, k_request));
    return false;
  };
  listen().sink.on_each = [](Delivery&& delivery) {
    delivery.reply(answer("done"));
    delivery.settle(Settlement::ack);
  };
  std::vector<std::string> replies;
  broker.on_published = [&replies](ChannelId, const std::string& body) { replies.push_back(body); };
  ASSERT_TRUE(open());
  EXPECT_TRUE(test::eventually(loop, [&] { return broker.count(AMQP_BASIC_ACK_METHOD) == 1 && replies.size() == 1; }));
}

TEST_F(AmqpListenerAlone, AReplyThatTheBrokerRefusesCostsItsOwnCallerAnError) {
  listen().sink.on_each = [](Delivery&& delivery) {
    delivery.reply(answer(delivery.token == 1 ? std::string(200'000, 'x') : std::string("small")));
    delivery.settle(Settlement::ack);
  };
  ASSERT_TRUE(open());
  std::vector<std::string> taken;
  bool is_closed = false;
  broker.answers = [&is_closed](const FakeBroker::Asked& one) {
    if (one.id == AMQP_CHANNEL_OPEN_METHOD) is_closed = false;
    return !is_closed;
  };
  broker.on_published = [&](ChannelId channel, const std::string& body) {
    if (is_closed) return;
    if (body.size() < 100'000) return taken.push_back(body);
    is_closed = true;
    const std::string why = "PRECONDITION_FAILED - message size " + std::to_string(body.size()) +
                            " is larger than configured max size 100000";
    const amqp_channel_close_t close{406, amqp_cstring_bytes(why.c_str()), 60, 40};
    broker.say(channel, AMQP_CHANNEL_CLOSE_METHOD, close);
  };
  broker.send(FakeBroker::delivery(1, 1, k_request) + FakeBroker::delivery(1, 2, k_request));
  ASSERT_TRUE(test::eventually(loop, [&] { return taken.size() == 2; }));
  EXPECT_NE(taken[0].find("small"), std::string::npos) << "what came behind it is sent again: " << taken[0];
  EXPECT_NE(taken[1].find("too_large"), std::string::npos) << taken[1];
  EXPECT_TRUE(test::eventually(loop, [&] { return broker.count(AMQP_BASIC_ACK_METHOD) >= 1; }));
  EXPECT_TRUE(listening.sink.lost.empty());
  broker.send(FakeBroker::delivery(1, 1 + 2, k_request));
  ASSERT_TRUE(test::eventually(loop, [&] { return taken.size() == 3; }));
}

/// The broker takes back what was not acknowledged within its consumer_timeout.
class AmqpTakenBack : public AmqpListenerAlone {
 protected:
  static std::string request(int data) {
    return R"({"pattern":"p","id":"id-)" + std::to_string(data) + R"(","data":)" + std::to_string(data) + "}";
  }
  void start(const std::string& options = {}) {
    listen(options).sink.on_each = [this](Delivery&& delivery) {
      delivery.own();
      in_hand.push_back(std::move(delivery));
    };
    ASSERT_TRUE(open());
  }
  void deliver(const std::vector<int>& requests, bool is_again = false) {
    std::string bytes;
    for (const int one : requests) bytes += FakeBroker::delivery(1, ++tag, request(one), is_again);
    broker.send(bytes);
  }
  void take_back() {
    const std::size_t before = broker.count(AMQP_BASIC_CONSUME_METHOD);
    const amqp_channel_close_t close{
        406,
        amqp_cstring_bytes("PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value "
                           "used: 1800000 ms"),
        0, 0};
    broker.say(1, AMQP_CHANNEL_CLOSE_METHOD, close);
    ASSERT_TRUE(wait_for([&] { return broker.count(AMQP_BASIC_CONSUME_METHOD) > before; }));
    tag = 0;
    broker.acked.clear();
  }
  bool wait_for(std::function<bool()> condition) { return test::eventually(loop, std::move(condition)); }
  bool are_acked(std::vector<std::uint64_t> tags) {
    return wait_for([&] {
      std::sort(broker.acked.begin(), broker.acked.end());
      return broker.acked == tags;
    });
  }
  std::vector<Delivery> in_hand;
  std::uint64_t tag = 0;
};

TEST_F(AmqpTakenBack, AHandlerThatOutlastsTheBrokersTimeoutIsNamedWhenItEnds) {
  start();
  deliver({1, 2});
  broker.send(FakeBroker::delivery(1, 3, R"({"pattern":"other","id":"id-3","data":1})"));
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 3; }));
  in_hand[0].settle(Settlement::ack);
  ASSERT_TRUE(are_acked({1}));
  take_back();
  EXPECT_TRUE(logs.contains("consumer_timeout"));
  EXPECT_TRUE(logs.contains("of the queue q, 2 messages"));
  in_hand[2].settle(Settlement::ack);
  EXPECT_FALSE(logs.contains("has ended"));
  in_hand[1].settle(Settlement::ack);
  EXPECT_TRUE(logs.contains("the handler of p has ended, but took longer than the broker's consumer_timeout"));
}

TEST_F(AmqpTakenBack, WhatComesAgainWhileItsHandlerRunsIsNotHandledTwiceAndIsSettledByThat) {
  start();
  deliver({1, 2, 3});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 3; }));
  take_back();
  deliver({2, 1, 3}, true);  // in any order
  deliver({4});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 4; }));
  EXPECT_FALSE(in_hand[3].redelivered);
  in_hand[0].settle(Settlement::ack);
  ASSERT_TRUE(are_acked({2}));
  in_hand[1].settle(Settlement::reject);
  ASSERT_TRUE(wait_for([&] { return broker.nacked == std::vector<std::uint64_t>{1}; }));
  take_back();  // the third still runs, and once more
  deliver({4, 3}, true);
  in_hand[2].settle(Settlement::ack);
  in_hand[3].settle(Settlement::ack);
  ASSERT_TRUE(are_acked({2})) << "both together";
  EXPECT_EQ(in_hand.size(), 4u);
  EXPECT_TRUE(listening.sink.lost.empty()) << "the link stays";
}

TEST_F(AmqpTakenBack, WhatHasEndedMeanwhileIsSettledWhenItComesAgain) {
  start();
  deliver({1, 2});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 2; }));
  take_back();
  in_hand[0].settle(Settlement::ack);
  in_hand[1].settle(Settlement::reject);
  deliver({1, 2}, true);
  ASSERT_TRUE(are_acked({1}));
  ASSERT_TRUE(wait_for([&] { return broker.nacked == std::vector<std::uint64_t>{2}; }));
  EXPECT_EQ(in_hand.size(), 2u);
  deliver({1}, true);  // another one, or somebody has replayed it
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 3; }));
}

/// It goes to another process first, and comes back when that one was too slow as well.
TEST_F(AmqpTakenBack, WhatFailsTooLateAgainAndAgainCountsItsAttempts) {
  start();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    deliver({1}, attempt > 1);
    ASSERT_TRUE(wait_for([&] { return in_hand.size() == static_cast<std::size_t>(attempt); }));
    EXPECT_EQ(in_hand.back().attempt, attempt);
    take_back();
    in_hand.back().settle(Settlement::retry);
  }
}

TEST_F(AmqpTakenBack, AnEqualOneThatIsNewIsHandled) {
  start();
  deliver({1});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 1; }));
  take_back();
  deliver({1});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 2; }));
  EXPECT_EQ(in_hand[1].attempt, 1);
  deliver({1}, true);
  in_hand[0].settle(Settlement::ack);
  ASSERT_TRUE(are_acked({2}));
}

TEST_F(AmqpTakenBack, AFailedOneIsSentAgainWhenItHasComeAgain) {
  dead_letter = "parked";
  start();
  deliver({1});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 1; }));
  take_back();
  deliver({1}, true);
  deliver({2});
  ASSERT_TRUE(wait_for([&] { return in_hand.size() == 2; })) << "the other was taken, too";
  int published = 0;
  broker.on_published = [&](ChannelId channel, const std::string&) {
    ++published;
    const amqp_basic_ack_t ack{1, 0};
    broker.say(channel, AMQP_BASIC_ACK_METHOD, ack);
  };
  in_hand[0].settle(Settlement::retry);
  ASSERT_TRUE(are_acked({1})) << "its copy is there";
  EXPECT_EQ(published, 1);
}

TEST_F(AmqpTakenBack, ABrokerThatDoesNotLetItConsumeAgainCostsTheLink) {
  start("&start_timeout=1500ms");
  broker.answers = [](const FakeBroker::Asked& one) { return one.id != AMQP_BASIC_CONSUME_METHOD; };
  deliver({1});
  take_back();
  ASSERT_TRUE(wait_for([&] { return !listening.sink.lost.empty(); }));
}

TEST_F(AmqpListenerAlone, ADeadLetterThatIsNeverConfirmedIsSpokenOfAndHoldsUpNobody) {
  dead_letter = "parked";
  std::vector<std::uint64_t> handled;
  bool is_parked = false;
  std::optional<Delivery> kept;  // as core keeps it
  listen("&start_timeout=400ms").sink.on_each = [&](Delivery&& delivery) {
    handled.push_back(delivery.token);
    if (delivery.token > 1) return delivery.settle(Settlement::ack);
    delivery.failure.emplace(errc::internal, "no", End::unknown);
    kept.emplace(std::move(delivery));
    kept->own();
    kept->park([&](const Result<void>&) {
      is_parked = true;
      kept.reset();
    });
  };
  ASSERT_TRUE(open());
  const FakeBroker::Asked publish{2, AMQP_BASIC_PUBLISH_METHOD};
  broker.send(FakeBroker::delivery(1, 1, k_request) + FakeBroker::delivery(1, 2, k_request));
  ASSERT_TRUE(test::eventually(loop, [&] {
    return std::any_of(broker.asked.begin(), broker.asked.end(), [&](const FakeBroker::Asked& one) {
      return one.channel == publish.channel && one.id == publish.id;
    });
  }));
  ASSERT_TRUE(test::eventually(
      loop, [&] { return logs.contains("neither takes nor refuses what is sent to the queue parked"); }));
  broker.send(FakeBroker::delivery(1, 3, k_request));
  ASSERT_TRUE(test::eventually(loop, [&] { return handled.size() == 3; }));
  EXPECT_TRUE(test::eventually(loop, [&] { return broker.count(AMQP_BASIC_ACK_METHOD) >= 1; }));
  EXPECT_FALSE(is_parked);
  listening.listener->stop_intake();
  test::run_until(loop, listening.listener->flush());  // who parks waits for it, or not
  EXPECT_EQ(logs.count("neither takes nor refuses"), 1u);
  EXPECT_FALSE(is_parked);
}

TEST_F(AmqpListenerAlone, ADeadLetterThatIsConfirmedLateIsParked) {
  dead_letter = "parked";
  bool is_parked = false;
  std::optional<Delivery> kept;
  listen().sink.on_each = [&](Delivery&& delivery) {
    delivery.failure.emplace(errc::internal, "no", End::unknown);
    kept.emplace(std::move(delivery));
    kept->own();
    kept->park([&is_parked](const Result<void>&) { is_parked = true; });
  };
  ASSERT_TRUE(open());
  broker.send(FakeBroker::delivery(1, 1, k_request));
  ASSERT_TRUE(
      test::eventually(loop, [&] { return broker.count(AMQP_BASIC_PUBLISH_METHOD) >= 2; }));  // one is the probe
  EXPECT_FALSE(is_parked);
  amqp_basic_ack_t late{1, 0};
  broker.say_to(1, 2, AMQP_BASIC_ACK_METHOD, late);
  EXPECT_TRUE(test::eventually(loop, [&] { return is_parked; }));
}

TEST_F(AmqpListenerAlone, WhereNoSecondLinkCanBeHadTheFirstIsShared) {
  broker.answers = [this](const FakeBroker::Asked& one) {
    if (one.id != AMQP_CONNECTION_OPEN_METHOD || broker.peers() == 1) return true;
    const amqp_connection_close_t close{530, amqp_cstring_bytes("NOT_ALLOWED - connection limit is reached"), 10, 40};
    broker.say(0, AMQP_CONNECTION_CLOSE_METHOD, close);
    return false;
  };
  listen().sink.on_each = [](Delivery&& delivery) {
    delivery.reply(answer("done"));
    delivery.settle(Settlement::ack);
  };
  std::vector<std::string> replies;
  broker.on_published = [&replies](ChannelId, const std::string& body) { replies.push_back(body); };
  ASSERT_TRUE(open());
  EXPECT_EQ(broker.peers(), 2u);
  EXPECT_TRUE(logs.contains("connection limit is reached"));
  broker.send(FakeBroker::delivery(1, 1, k_request));
  EXPECT_TRUE(test::eventually(loop, [&] { return broker.count(AMQP_BASIC_ACK_METHOD) == 1 && replies.size() == 1; }));
  EXPECT_TRUE(listening.sink.lost.empty());
}

TEST_F(AmqpListenerAlone, TheLossOfTheSecondLinkIsOneLoss) {
  listen();
  ASSERT_TRUE(open());
  ASSERT_EQ(broker.peers(), 2u);
  broker.hang_up(1);
  EXPECT_TRUE(test::eventually(loop, [&] { return !listening.sink.lost.empty(); }));
  test::run_ready(loop);
  EXPECT_EQ(listening.sink.lost.size(), 1u);
}

TEST_F(AmqpListenerAlone, ASecondLinkThatIsNotAnsweredHoldsUpNoStart) {
  broker.answers = [this](const FakeBroker::Asked& one) {
    return one.id != AMQP_CONNECTION_OPEN_METHOD || broker.peers() == 1;
  };
  listen("&start_timeout=3s");
  ASSERT_TRUE(open());
  EXPECT_TRUE(logs.contains("no second link"));
}

TEST_F(AmqpListenerAlone, ADrainedListenerIsDoneWhenTheBrokerHasAnsweredItsGoodbye) {
  listen();
  ASSERT_TRUE(open());
  broker.answers = [](const FakeBroker::Asked& one) { return one.id != AMQP_CONNECTION_CLOSE_METHOD; };
  listening.listener->stop_intake();
  bool is_flushed = false;
  asio::co_spawn(loop, listening.listener->flush(), [&is_flushed](std::exception_ptr) { is_flushed = true; });
  ASSERT_TRUE(test::eventually(loop, [&] { return broker.count(AMQP_CONNECTION_CLOSE_METHOD) == 1; }));
  EXPECT_FALSE(broker.is_left);
  test::run_ready(loop);
  EXPECT_FALSE(is_flushed);
  broker.answer({0, AMQP_CONNECTION_CLOSE_METHOD});
  EXPECT_TRUE(test::eventually(loop, [&] { return is_flushed && broker.is_left; }));
}

}  // namespace
}  // namespace waybill::amqp
