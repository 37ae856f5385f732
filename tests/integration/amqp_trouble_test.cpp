// One message that cannot be answered, sent again, parked or read costs that message, on a real RabbitMQ: it is handled no
// more often than it should be, it is not lost, and its neighbours do not notice.
#include "amqp_rig.hpp"

#include <algorithm>

namespace waybill {
namespace {

amqp_table_entry_t text_argument(const char* name, const char* value) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = amqp_cstring_bytes(value);
  return entry;
}
amqp_table_entry_t number_argument(const char* name, std::int32_t value) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_I32;
  entry.value.value.i32 = value;
  return entry;
}
std::string event(const std::string& pattern, const std::string& data) {
  return R"({"pattern":")" + pattern + R"(","data":")" + data + R"("})";
}

class AmqpTrouble : public AmqpIntegration {
 protected:
  /// A service that notes what it handles; `options` behind the queue.
  void serve(const std::string& options) {
    service_ = std::make_unique<Service>(loop.get_executor(), Config::listen({url("queue=" + queue + options)}));
    service_->log_to(logs.sink());
    service_->on_event("good", [this](const std::string& text) { handled.push_back(text); });
    service_->on_event("bad", [this](const std::string& text) {
      handled.push_back(text);
      throw Error(std::string(error_size, 'e'));
    });
    test::run_until(loop, service_->start());
  }
  void TearDown() override {
    if (service_) service_->close();
    AmqpIntegration::TearDown();
  }
  std::optional<test::AmqpAdmin::Message> parked_one() {
    std::optional<test::AmqpAdmin::Message> message;
    wait_for([&] { return admin->ready(parked) && (message = admin->get(parked)).has_value(); });
    return message;
  }

  std::string queue, parked;
  std::vector<std::string> handled;
  std::size_t error_size = 10;

  void SetUp() override {
    AmqpIntegration::SetUp();
    if (IsSkipped()) return;
    queue = fresh_queue();
    parked = fresh_queue();
  }

 private:
  std::unique_ptr<Service> service_;
};

TEST_F(AmqpTrouble, ABacklogAtTheFirstStartIsHandledAndAcknowledged) {
  admin->declare_queue(queue);
  for (int i = 0; i < 40; ++i) admin->publish(queue, event("good", std::to_string(i)));
  auto listener = std::make_unique<Listening>();
  listener->transport = test::transport_of(url("queue=" + queue));
  listener->listener = listener->transport->make_listener(environment(parked));
  std::size_t count = 0;
  listener->sink.on_each = [&count](Delivery&& delivery) {
    ++count;
    delivery.settle(Settlement::ack);
  };
  test::run_until(loop, listener->listener->open({event_route("good")}, listener->sink)).value();
  ASSERT_TRUE(wait_for([&] { return count == 40; }));
  listener->listener->stop_intake();
  test::run_until(loop, listener->listener->flush());
  listener->listener->close();
  EXPECT_EQ(admin->ready(queue), 0u);
  EXPECT_EQ(count, 40u);
}

TEST_F(AmqpTrouble, ADeletedDeadLetterQueueIsDeclaredAgain) {
  serve("&attempts=1&dead_letter=" + parked);
  admin->delete_queue(parked);
  admin->publish(queue, event("bad", "poison"));
  admin->publish(queue, event("good", "after"));
  const auto letter = parked_one();
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->body, event("bad", "poison"));
  EXPECT_EQ(std::count(handled.begin(), handled.end(), "poison"), 1);
  EXPECT_EQ(std::count(handled.begin(), handled.end(), "after"), 1);
}

TEST_F(AmqpTrouble, AFullDeadLetterQueueIsWaitedForAndTheHandlerRunsOnce) {
  amqp_table_entry_t arguments[] = {number_argument("x-max-length", 1), text_argument("x-overflow", "reject-publish")};
  admin->declare_queue(parked, true, {2, arguments});  // taken as it is
  admin->publish(parked, "in the way");
  serve("&attempts=1&dead_letter=" + parked);
  admin->publish(queue, event("bad", "poison"));
  ASSERT_TRUE(wait_for([&] { return logs.contains("cannot be put into " + parked); }));
  EXPECT_FALSE(logs.contains("it is now in"));
  EXPECT_EQ(admin->get(parked)->body, "in the way");
  const auto letter = parked_one();
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->body, event("bad", "poison"));
  EXPECT_EQ(handled, (std::vector<std::string>{"poison"}));
}

TEST_F(AmqpTrouble, AnErrorOfAnySizeIsParkedWithItsMessage) {
  error_size = 200'000;
  serve("&attempts=1&dead_letter=" + parked);
  admin->publish(queue, event("bad", "poison"));
  const auto letter = parked_one();
  ASSERT_TRUE(letter);
  EXPECT_LT(letter->headers.size(), 10'000u);
  EXPECT_NE(letter->headers.find("waybill-error=eee"), std::string::npos);
  EXPECT_EQ(handled.size(), 1u);
}

TEST_F(AmqpTrouble, DeadLetterQueuesOfAnyTypeAreTakenAndQuorumQueuesGetTheirLike) {
  amqp_table_entry_t quorum = text_argument("x-queue-type", "quorum");
  admin->declare_queue(parked, true, {1, &quorum});
  serve("&attempts=1&dead_letter=" + parked);
  const std::string other = fresh_queue(), graveyard = fresh_queue();
  const auto listener = listen(url("queue=" + other + "&queue_type=quorum"), {event_route("good")}, graveyard);
  EXPECT_THROW(admin->declare_queue(graveyard), std::runtime_error) << "it is no classic one";
  // Who sends to it declares it as well.
  const auto client = connect(url("queue=" + other + "&queue_type=quorum"));
  send(*client, "good", "hello", 1);
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  listener->sink.take().settle(Settlement::ack);
}

TEST_F(AmqpTrouble, QuorumQueuesCountTheProcessesThatDied) {
  const std::string options = "queue=" + queue + "&queue_type=quorum";
  const auto client = connect(url(options));
  send(*client, "good", "kills", 1);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto listener = listen(url(options), {event_route("good")});
    ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
    EXPECT_EQ(listener->sink.deliveries.front().attempt, attempt);
    listener->listener->close();  // as a crash does
  }
}

TEST_F(AmqpTrouble, AMessageAboveMaxMessageCostsNoNeighbourAndIsParkedWhole) {
  serve("&max_message=1MiB&dead_letter=" + parked);
  const std::string large = event("good", std::string(2u << 20, 'x'));
  admin->publish(queue, event("good", "before"));
  admin->publish(queue, large);
  admin->publish(queue, event("good", "behind"));
  const auto letter = parked_one();
  ASSERT_TRUE(letter);
  EXPECT_TRUE(letter->body == large);
  EXPECT_NE(letter->headers.find("max_message"), std::string::npos) << letter->headers;
  ASSERT_TRUE(wait_for([&] { return handled.size() == 2; }));
  EXPECT_EQ(handled, (std::vector<std::string>{"before", "behind"}));
  EXPECT_FALSE(logs.contains("lost amqp"));
}

TEST_F(AmqpTrouble, AMessageAboveMaxMessageIsRefusedWhereNothingIsParked) {
  serve("&max_message=1MiB");
  admin->publish(queue, event("good", std::string(2u << 20, 'x')));
  admin->publish(queue, event("good", "behind"));
  ASSERT_TRUE(wait_for([&] { return handled.size() == 1; }));
  EXPECT_TRUE(logs.contains("max_message allows"));
  EXPECT_EQ(admin->ready(queue), 0u);
}

TEST_F(AmqpTrouble, AReplayedMessageIsNewWhateverItsHeadersAre) {
  serve("&attempts=2&backoff=1ms&dead_letter=" + parked);
  amqp_table_entry_t entry = number_argument("n", 7);
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &entry};
  admin->publish(queue, event("bad", "poison"), properties);
  expect_says(failure_of(url("exchange=e&exchange_type=direct"), "group"), errc::invalid_config, {"routing_key"});
  const auto described = test::transport_of(url("queue=" + queue));
  const auto box = described->make_dead_letter_box(environment(parked));
  for (std::size_t times : {2u, 4u}) {
    std::vector<DeadLetter> letters;
    ASSERT_TRUE(wait_for([&] {
      letters = test::run_until(loop, box->list(10)).value();
      return !letters.empty();
    }));
    EXPECT_EQ(handled.size(), times) << "each attempt anew";
    EXPECT_EQ(letters[0].attempts, 2);
    EXPECT_EQ(*letters[0].packet.properties.find("headers"),
              R"({"n":7,"waybill-attempt":"2","waybill-error":"eeeeeeeeee","waybill-origin":")" + queue + "\"}");
    if (times == 2) test::run_until(loop, box->replay(letters[0])).value();
  }
  box->close();
}

/// RabbitMQ 4 counts being looked at, and drops after 20.
TEST_F(AmqpTrouble, LookingAtDeadLettersOfAQuorumQueueAsOftenAsOneLikesLosesNone) {
  serve("&queue_type=quorum&attempts=1&dead_letter=" + parked);
  admin->publish(queue, event("bad", "poison"));
  ASSERT_TRUE(wait_for([&] { return logs.contains("it is now in " + parked); }));
  const auto described = test::transport_of(url("queue=" + queue + "&queue_type=quorum"));
  std::string id;
  for (int look = 0; look < 25; ++look) {
    const auto box = described->make_dead_letter_box(environment(parked));
    std::vector<DeadLetter> letters;
    // What the look before has given back may be on its way yet.
    ASSERT_TRUE(wait_for([&] {
      letters = test::run_until(loop, box->list(10)).value();
      return !letters.empty();
    })) << "after "
        << look;
    EXPECT_EQ(letters.size(), 1u);
    EXPECT_EQ(letters[0].attempts, 1);
    if (id.empty()) id = letters[0].id;
    EXPECT_EQ(letters[0].id, id);
    box->close();
  }
}

TEST_F(AmqpTrouble, ANamelessQueueGoesWithItsLink) {
  const std::string exchange = fresh_exchange();
  std::string name;
  {
    const auto listener = listen(url("exchange=" + exchange + "&exchange_type=fanout"), {event_route("news")});
    const std::string address = listener->listener->address();
    name = address.substr(address.find("queue=") + 6);
    name = name.substr(0, name.find('&'));
    ASSERT_TRUE(name.starts_with("amq.gen")) << address;
    EXPECT_TRUE(logs.contains("add group=NAME"));
  }
  EXPECT_TRUE(wait_for([&] { return !admin->ready(name); }));
}

TEST_F(AmqpTrouble, WhatAListenerCannotKeepIsRefusedAtStart) {
  expect_says(failure_of(url("queue=" + queue + "&queue_type=stream")), errc::unsupported, {"stream"});
  expect_says(failure_of(url("exchange=e&exchange_type=direct")), errc::invalid_config, {"routing_key"});
  const auto described = test::transport_of(url("queue=" + queue));
  test::KeepingListenerSink sink;
  const auto itself = described->make_listener(environment(queue));
  const Routes routes{event_route("x")};
  const auto opened = test::run_until(loop, itself->open(routes, sink));
  ASSERT_FALSE(opened);
  expect_says(opened.error(), errc::invalid_config, {"dead_letter"});
  const auto locked = test::transport_of(url("queue=" + queue + "&no_assert=true"));
  admin->declare_queue(queue);
  const auto passive = locked->make_listener(environment(parked));
  const auto missing = test::run_until(loop, passive->open(routes, sink));
  ASSERT_FALSE(missing) << "with no_assert nothing is declared, a dead-letter queue neither";
  expect_says(missing.error(), errc::invalid_config, {"there is no queue " + parked});
}

TEST_F(AmqpTrouble, MessagesOfOthersGoByTheirRoutingKeyRetriedOnesToo) {
  remove_exchange_at_end(queue);
  const auto listener = listen(url("queue=" + queue + "&wildcards=true"), {event_route("order.*")});
  admin->publish_to(queue, "order.created", R"({"id":"plain-1"})");
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  {
    Delivery first = listener->take();
    EXPECT_EQ(first.packet.route, "order.created");
    EXPECT_EQ(first.packet.payload.view(), R"({"id":"plain-1"})");
    first.settle(Settlement::retry);
  }
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 2; }));
  Delivery second = listener->take();
  EXPECT_EQ(second.packet.route, "order.created");
  EXPECT_EQ(second.attempt, 2);
  second.settle(Settlement::ack);
}

TEST_F(AmqpTrouble, MessagesOfOthersInAQueueAreAWarning) {
  serve("");
  admin->publish(queue, R"({"id":"plain-1"})");
  EXPECT_TRUE(wait_for([&] { return logs.contains("has no pattern"); }));
}

TEST_F(AmqpTrouble, ARequestThatTheBrokerRefusesCostsNoOther) {
  const auto listener = listen(url("queue=" + queue), {{Pattern("ask"), true, false}});
  const auto client = connect(url("queue=" + queue));
  Headers somebody_else;
  somebody_else.set("userId", "somebody-else");
  for (Ticket ticket = 1; ticket <= 20; ++ticket) {
    send(*client, "ask", std::to_string(ticket), ticket | k_failure_only, ticket == 7 ? somebody_else : Headers(),
         PacketKind::request);
  }
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 19 && client->sink.sent.size() == 1; }));
  EXPECT_EQ(client->sink.sent.begin()->first, 7 | k_failure_only);
  EXPECT_EQ(client->sink.sent.begin()->second.error().end(), End::rejected);
  EXPECT_TRUE(client->sink.lost.empty());
  for (const Delivery& delivery : listener->sink.deliveries) {
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.serializer = delivery.packet.serializer;
    reply.payload = delivery.packet.payload;
    delivery.reply(reply);
  }
  ASSERT_TRUE(wait_for([&] { return client->sink.replies.size() == 19; }));
}

}  // namespace
}  // namespace waybill
