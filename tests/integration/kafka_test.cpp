// The Kafka transport on a real broker: what the conformance suite does not ask of every carrier.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/fields.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport.hpp"
#include "waybill/url.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace waybill {
namespace {

using test::KeepingConnectionSink;
using test::KeepingListenerSink;

using Service = test::OpenListener;
using Caller = test::OpenConnection;

class Kafka : public testing::Test {
 protected:
  void SetUp() override {
    base_ = test::broker_url("WAYBILL_TEST_KAFKA_URL");
    WAYBILL_NEEDS_BROKER(base_, "WAYBILL_TEST_KAFKA_URL");
    prefix_ = test::fresh_name() + ".";
  }
  ~Kafka() override { test::run_ready(loop_); }

  std::string url(const std::string& more = "") const { return base_ + "/?prefix=" + prefix_ + more; }
  std::unique_ptr<Transport> make(const std::string& url) {
    const Url parsed = Url::parse(url).value();
    return default_registry()->make_transport(parsed).value();
  }
  Environment environment(const std::string& group = {}) {
    Environment environment;
    environment.executor = loop_.get_executor();
    environment.serializer = default_registry()->find_serializer("json");
    environment.log = logs_.log();
    environment.group = group;
    return environment;
  }

  Result<void> try_listen(Service& service, const std::string& url, const Routes& routes,
                          const std::string& group = {}) {
    service.transport = make(url);
    service.listener = service.transport->make_listener(environment(group));
    return test::run_until(loop_, service.listener->open(routes, service.sink));
  }
  std::unique_ptr<Service> listen(const Routes& routes, const std::string& more = "", const std::string& group = {}) {
    auto service = std::make_unique<Service>();
    try_listen(*service, url(more), routes, group).value();
    return service;
  }
  Result<void> try_connect(Caller& caller, const std::string& url) {
    caller.transport = make(url);
    caller.connection = caller.transport->make_connection(environment());
    return test::run_until(loop_, caller.connection->open(caller.sink));
  }
  std::unique_ptr<Caller> connect(const std::string& more = "") {
    auto caller = std::make_unique<Caller>();
    try_connect(*caller, url(more)).value();
    return caller;
  }

  struct Sending {
    std::string route;
    std::string text;
    std::string id;  ///< Empty: an event.
    std::string key;
    Ticket ticket = 0;
  };
  void send(Caller& from, const Sending& what) {
    const Pattern pattern(what.route);
    Packet packet;
    packet.kind = what.id.empty() ? PacketKind::event : PacketKind::request;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern = pattern.term();
    packet.route = pattern.route();
    packet.id.text = what.id;
    packet.serializer = default_registry()->find_serializer("json");
    Buffer body;
    packet.serializer->encode(ValueRef::of(what.text), body).value();
    packet.payload = body.take();
    if (!what.key.empty()) packet.properties.set("key", what.key);
    from.connection->send(packet, what.ticket);
  }
  static std::string text_of(const Packet& packet) {
    std::string text;
    packet.serializer->decode(packet.payload, ValueOut::of(text)).value();
    return text;
  }
  static void answer(Delivery&& delivery, std::string_view text) {
    const Delivery mine = std::move(delivery);
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.id = mine.packet.id;
    reply.serializer = mine.packet.serializer;
    Buffer body;
    reply.serializer->encode(ValueRef::of(text), body).value();
    reply.payload = body.take();
    mine.reply(reply);
    const_cast<Delivery&>(mine).settle(Settlement::ack);
  }
  template <class Condition>
  bool wait_for(Condition condition) {
    return test::eventually(loop_, std::move(condition));
  }

  asio::io_context loop_{1};
  test::LogCapture logs_;
  std::string base_;
  std::string prefix_;
};

Routes requests(const char* pattern) { return {Route{pattern, true, false}}; }
Routes events(const char* pattern) { return {Route{pattern, false, true}}; }

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

TEST_F(Kafka, KeysRunSideBySideAndEachInOrder) {
  const auto service = listen(events("work"), "&partitions=3");
  const auto caller = connect("&partitions=3");
  for (int i = 0; i < 30; ++i) {
    send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i % 5), 0});
  }
  // One of each key is in hand; none of them is settled yet.
  ASSERT_TRUE(wait_for([&] { return service->sink.deliveries.size() == 5; }));
  test::run_until(loop_, caller->connection->flush());
  test::run_ready(loop_);
  EXPECT_EQ(service->sink.deliveries.size(), 5u);
  std::map<std::string, std::vector<int>> by_key;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(wait_for([&] { return !service->sink.deliveries.empty(); }));
    auto delivery = service->sink.take();
    by_key[*delivery.packet.properties.find("key")].push_back(std::stoi(text_of(delivery.packet)));
    delivery.settle(Settlement::ack);
  }
  ASSERT_EQ(by_key.size(), 5u);
  for (const auto& [key, order] : by_key) {
    EXPECT_EQ(order.size(), 6u) << key;
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << key;
  }
}

TEST_F(Kafka, ARetryHoldsBackItsKeyAndNoOther) {
  const auto service = listen(events("work"), "&retry_backoff=1ms");
  const auto caller = connect();
  std::vector<std::string> order;
  service->sink.on_each = [&order](Delivery&& delivery) {
    order.push_back(text_of(delivery.packet) + "#" + std::to_string(delivery.attempt));
    const bool fails = text_of(delivery.packet) == "a1" && delivery.attempt < 3;
    delivery.settle(fails ? Settlement::retry : Settlement::ack);
  };
  send(*caller, {"work", "a1", "", "a", 0});
  send(*caller, {"work", "a2", "", "a", 0});
  send(*caller, {"work", "b1", "", "b", 0});
  ASSERT_TRUE(wait_for([&] { return order.size() == 5; }));
  const auto place = [&order](const char* what) { return std::find(order.begin(), order.end(), what) - order.begin(); };
  EXPECT_LT(place("a1#2"), place("a1#3"));
  EXPECT_LT(place("a1#3"), place("a2#1"));
  EXPECT_LT(place("b1#1"), 5);
}

TEST_F(Kafka, WhatIsNotSettledGoesToTheNextMemberAndWhatIsDoesNot) {
  const auto caller = connect();
  {
    const auto first = listen(events("work"), "", "g" + prefix_);
    for (const char* text : {"done", "left", "done too"}) send(*caller, {"work", text, "", "", 0});
    ASSERT_TRUE(wait_for([&] { return first->sink.deliveries.size() == 3; }));
    first->sink.take().settle(Settlement::ack);
    first->sink.deliveries.back().settle(Settlement::ack);
    test::run_ready(loop_);
    first->listener->stop_intake();
    test::run_until(loop_, first->listener->flush());
  }
  const auto second = listen(events("work"), "", "g" + prefix_);
  ASSERT_TRUE(wait_for([&] { return second->sink.deliveries.size() == 2; }));
  EXPECT_EQ(text_of(second->sink.deliveries[0].packet), "left");
  EXPECT_TRUE(second->sink.deliveries[0].redelivered);
  EXPECT_EQ(text_of(second->sink.deliveries[1].packet), "done too");  // behind a hole: may come twice
  for (Delivery& delivery : second->sink.deliveries) delivery.settle(Settlement::ack);
}

TEST_F(Kafka, TwoMembersShareThePartitionsOfAGroup) {
  const auto one = listen(events("work"), "&partitions=4", "g" + prefix_);
  const auto other = listen(events("work"), "&partitions=4", "g" + prefix_);
  const auto caller = connect("&partitions=4");
  std::multiset<std::string> all;
  std::size_t by_one = 0;
  for (Service* service : {one.get(), other.get()}) {
    service->sink.on_each = [&, service](Delivery&& delivery) {
      all.insert(text_of(delivery.packet));
      if (service == one.get()) ++by_one;
      delivery.settle(Settlement::ack);
    };
  }
  for (int i = 0; i < 60; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i), 0});
  ASSERT_TRUE(wait_for([&] { return std::set<std::string>(all.begin(), all.end()).size() == 60; }));
  EXPECT_GT(by_one, 0u);
  EXPECT_LT(by_one, all.size());
}

TEST_F(Kafka, AMissingTopicIsNamedWhereNoneMayBeCreated) {
  Service service;
  const auto opened = try_listen(service, url("&create_topics=false"), requests("nowhere"));
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::invalid_config) << opened.error().what();
  EXPECT_NE(std::string(opened.error().what()).find(prefix_ + "nowhere"), std::string::npos) << opened.error().what();
  const auto caller = connect("&create_topics=false");
  send(*caller, {"nowhere", "x", "", "", 3});
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.count(3) == 1; }));
  const auto& outcome = caller->sink.sent.find(3)->second;
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().end(), End::rejected);
  EXPECT_NE(std::string(outcome.error().what()).find("nowhere"), std::string::npos);
}

TEST_F(Kafka, AnUnreachableBrokerIsRefusedInOneSentence) {
  Caller caller;
  const auto opened = try_connect(caller, "kafka://127.0.0.1:1");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::refused) << opened.error().what();
  EXPECT_NE(std::string(opened.error().what()).find("127.0.0.1:1"), std::string::npos) << opened.error().what();
}

TEST_F(Kafka, AWrongPasswordIsUnauthorizedAtOnceAndTheRightOneIsNot) {
  const std::string auth = test::broker_url("WAYBILL_TEST_KAFKA_AUTH_URL");
  WAYBILL_NEEDS_BROKER(auth, "WAYBILL_TEST_KAFKA_AUTH_URL");
  std::string wrong = auth;
  wrong.replace(wrong.find(":secret@"), 8, ":guess@");
  for (const bool listens : {true, false}) {
    Service service;
    Caller caller;
    const auto opened = listens ? try_listen(service, wrong, events("x")) : try_connect(caller, wrong);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    EXPECT_EQ(std::string(opened.error().what()).find("guess"), std::string::npos);
  }
  Caller caller;
  EXPECT_TRUE(try_connect(caller, auth));
}

TEST_F(Kafka, AnotherBrokerOnThePortIsToldFromKafka) {
  for (const char* variable : {"WAYBILL_TEST_REDIS_URL", "WAYBILL_TEST_AMQP_URL", "WAYBILL_TEST_KAFKA_TLS_URL"}) {
    const std::string other = test::broker_url(variable);
    WAYBILL_NEEDS_BROKER(other, variable);
    const Url parsed = Url::parse(other).value();
    Caller caller;
    const auto opened = try_connect(caller, "kafka://127.0.0.1:" + std::to_string(parsed.hosts.front().port));
    ASSERT_FALSE(opened) << variable;
    EXPECT_TRUE(opened.error().code() == errc::refused) << opened.error().what();
    EXPECT_NE(std::string(opened.error().what()).find("no Kafka broker"), std::string::npos) << opened.error().what();
  }
}

TEST_F(Kafka, TlsVerifiesTheBroker) {
  const std::string tls = test::broker_url("WAYBILL_TEST_KAFKA_TLS_URL");
  WAYBILL_NEEDS_BROKER(tls, "WAYBILL_TEST_KAFKA_TLS_URL");
  Caller trusting;
  EXPECT_TRUE(try_connect(trusting, tls + "/?ca=" + test::broker_url("WAYBILL_TEST_CA")));
  Caller stranger;
  const auto opened = try_connect(stranger, tls);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::refused) << opened.error().what();
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
