// The Kafka transport on a real broker: what the conformance suite does not ask of every carrier.
#include "kafka_admin.hpp"
#include "kafka_rig.hpp"

#include <algorithm>

namespace waybill {
namespace {

using test::events;
using test::Kafka;
using test::requests;

TEST_F(Kafka, TheFirstRequestAfterTheStartIsAnswered) {
  const auto service = listen(requests("sum"));
  const auto caller = connect();
  send(*caller, {"sum", "question", "id-1", "", k_failure_only | 1});
  ASSERT_TRUE(wait_for([&] { return !service->sink.deliveries.empty(); }));
  const auto& delivery = service->sink.deliveries.front();
  EXPECT_EQ(delivery.packet.kind, PacketKind::request);
  EXPECT_EQ(text_of(delivery.packet), "question");
  EXPECT_EQ(delivery.attempt, 1);
  EXPECT_FALSE(delivery.redelivered);
  answer(service->sink.take(), "answer");
  ASSERT_TRUE(wait_for([&] { return !caller->sink.replies.empty(); }));
  EXPECT_EQ(caller->sink.replies.front().id.text, "id-1");
  EXPECT_EQ(text_of(caller->sink.replies.front()), "answer");
  EXPECT_TRUE(caller->sink.sent.empty());
}

/// As a program's main() does it: close, and let the loop run out of work.
TEST_F(Kafka, TheLoopEndsAfterAClientThatHasMadeARequestWasClosed) {
  const auto caller = connect();
  send(*caller, {"nobody", "question", "id-1", "", k_failure_only | 1});
  test::run_until(loop_, caller->connection->flush());
  caller->connection->close();
  loop_.restart();
  loop_.run_for(test::k_patience);
  EXPECT_TRUE(loop_.stopped()) << "something is still waited for";
}

TEST_F(Kafka, TheLoopEndsAfterAListenerWasClosed) {
  const auto service = listen(events("work"));
  service->listener->close();
  loop_.restart();
  loop_.run_for(test::k_patience);
  EXPECT_TRUE(loop_.stopped()) << "something is still waited for";
}

TEST_F(Kafka, TwentyClientsShareAReplyTopicWithoutSeeingEachOther) {
  const auto service = listen(requests("echo"));
  service->sink.on_each = [](Delivery&& delivery) {
    const std::string text = text_of(delivery.packet);
    answer(std::move(delivery), text);
  };
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 20; ++i) callers.push_back(connect());
  for (int call = 0; call < 5; ++call) {
    for (int i = 0; i < 20; ++i) {
      const std::string id = std::to_string(i) + "-" + std::to_string(call);
      send(*callers[static_cast<std::size_t>(i)], {"echo", id, id, "", k_failure_only | 1});
    }
  }
  for (std::size_t i = 0; i < callers.size(); ++i) {
    ASSERT_TRUE(wait_for([&] { return callers[i]->sink.replies.size() == 5; })) << i;
    for (const Packet& reply : callers[i]->sink.replies) {
      EXPECT_EQ(reply.id.text.substr(0, reply.id.text.find('-')), std::to_string(i));
      EXPECT_EQ(text_of(reply), reply.id.text);
    }
  }
}

TEST_F(Kafka, AnEventIsConfirmedByTheBrokerAndKeepsItsKey) {
  const auto service = listen(events("created"));
  const auto caller = connect();
  send(*caller, {"created", "x", "", "customer-1", 7});
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.count(7) == 1; }));
  EXPECT_EQ(caller->sink.sent.find(7)->second.value().by, Accepted::By::confirmed);
  ASSERT_TRUE(wait_for([&] { return !service->sink.deliveries.empty(); }));
  auto delivery = service->sink.take();
  ASSERT_TRUE(delivery.packet.properties.find("key"));
  EXPECT_EQ(*delivery.packet.properties.find("key"), "customer-1");
  delivery.settle(Settlement::ack);
}

TEST_F(Kafka, SmallEventsDoNotFailBecauseOfTheirNeighbours) {
  constexpr int k_events = 60;
  test::KafkaAdmin(base_).create(prefix_ + "small", 1, {{"max.message.bytes", "4000"}});
  std::vector<std::string> handled;
  const auto service = listen(events("small"));
  service->sink.on_each = [&](Delivery&& delivery) {
    handled.push_back(text_of(delivery.packet).substr(0, 3));
    delivery.settle(Settlement::ack);
  };
  const auto caller = connect();
  for (int i = 0; i < k_events; ++i) {
    const std::string number = std::to_string(100 + i);
    send(*caller, {"small", number + std::string(i == 30 ? 10'000 : 500, 'x'), "", "k", static_cast<Ticket>(i + 1)});
  }
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.size() == k_events; }));
  for (const auto& [ticket, outcome] : caller->sink.sent) {
    if (ticket != 31) {
      EXPECT_TRUE(outcome) << ticket << outcome.error().what();
    } else {
      ASSERT_FALSE(outcome) << "it is too large by itself";
      EXPECT_TRUE(outcome.error().code() == errc::too_large);
    }
  }
  ASSERT_TRUE(wait_for([&] { return handled.size() == k_events - 1; })) << handled.size();
  EXPECT_TRUE(std::is_sorted(handled.begin(), handled.end())) << "in the order of their key";
  caller->sink.sent.clear();
  send(*caller, {"small", "last", "", "k", 99});
  EXPECT_TRUE(wait_for([&] { return caller->sink.sent.size() == 1 && caller->sink.sent.begin()->second; }));
}

TEST_F(Kafka, HandlersHaveNoMoreBytesThanAllowed) {
  const auto service = listen(events("work"), "&max_in_hand=10000");
  const auto caller = connect();
  for (int i = 0; i < 60; ++i) send(*caller, {"work", std::string(1'000, 'x'), "", "", 0});
  ASSERT_TRUE(wait_for([&] { return service->sink.deliveries.size() >= 9; }));
  test::run_until(loop_, caller->connection->flush());
  test::run_ready(loop_);
  EXPECT_LE(service->sink.deliveries.size(), 11u);
  std::size_t handled = 0;
  ASSERT_TRUE(wait_for([&] {
    for (; !service->sink.deliveries.empty(); ++handled) service->sink.take().settle(Settlement::ack);
    return handled == 60;
  })) << handled;
}

TEST_F(Kafka, AnObjectPatternFindsItsHandler) {
  const Pattern pattern({"cmd", "sum"});
  const auto service = listen({Route{pattern, true, false}});
  const auto caller = connect();
  Packet packet;
  packet.kind = PacketKind::request;
  packet.pattern = pattern.term();
  packet.route = pattern.route();
  packet.has_pattern = true;
  packet.id.text = "id";
  packet.serializer = default_registry()->find_serializer("json");
  caller->connection->send(packet, k_failure_only | 1);
  ASSERT_TRUE(wait_for([&] { return !service->sink.deliveries.empty(); }));
  EXPECT_EQ(service->sink.deliveries.front().packet.route, pattern.route());
  service->sink.take().settle(Settlement::ack);
}

TEST_F(Kafka, WildcardsReceiveTopicsThatMatch) {
  const auto caller = connect();
  for (const char* route : {"order.created", "order.a.b"}) {  // the topics are there before
    send(*caller, {route, "before", "", "", 1});
  }
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.count(1) == 2; }));
  const auto service = listen(events("order.*"));
  send(*caller, {"order.a.b", "no", "", "", 0});
  send(*caller, {"order.created", "yes", "", "", 0});
  ASSERT_TRUE(wait_for([&] { return !service->sink.deliveries.empty(); }));
  EXPECT_EQ(text_of(service->sink.deliveries.front().packet), "yes");
  EXPECT_EQ(service->sink.deliveries.front().packet.route, "order.created");
  service->sink.take().settle(Settlement::ack);
}

}  // namespace
}  // namespace waybill
