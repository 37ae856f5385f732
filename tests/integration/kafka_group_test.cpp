// Kafka's groups on a real broker: keys, order, commits, members that come and go.
#include "kafka_rig.hpp"
#include "protocol/handle.hpp"
#include "support/not_applicable.hpp"

#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace waybill {
namespace {

using test::events;
using test::Kafka;
using test::requests;

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

TEST_F(Kafka, WhatIsFinishedIsCommittedWhenPartitionsAreRevoked) {
  const std::string options = "&partitions=4&rdkafka.auto.commit.interval.ms=3600000";  // no other commit comes first
  const std::string group = "g" + prefix_;
  const auto caller = connect("&partitions=4");
  std::multiset<std::string> finished;
  bool is_left_seen_again = false;
  std::optional<Delivery> left;
  const auto take = [&](Delivery&& delivery) {
    const std::string text = text_of(delivery.packet);
    if (text == "left" && !left) {
      delivery.own();
      left.emplace(std::move(delivery));
      return;
    }
    if (text == "left") is_left_seen_again = delivery.redelivered;
    finished.insert(text);
    delivery.settle(Settlement::ack);
  };
  const auto one = listen(events("work"), options, group);
  one->sink.on_each = take;
  for (int i = 0; i < 40; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i), 0});
  ASSERT_TRUE(wait_for([&] { return finished.size() == 40; }));
  send(*caller, {"work", "left", "", "key-0", 0});
  ASSERT_TRUE(wait_for([&] { return left.has_value(); }));

  auto other = std::make_unique<Service>();
  other->sink.on_each = take;
  try_listen(*other, url(options), events("work"), group).value();
  for (int i = 40; i < 80; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i), 0});
  ASSERT_TRUE(wait_for([&] { return finished.size() - finished.count("left") >= 80; }));
  EXPECT_EQ(finished.count("left") == 1, is_left_seen_again) << "where another has it now it comes again, marked";
  for (int i = 0; i < 80; ++i) EXPECT_EQ(finished.count(std::to_string(i)), 1u) << i;
  left->settle(Settlement::ack);
}

TEST_F(Kafka, CooperativeMembersKeepWhatStaysTheirsAndLoseNothing) {
  if (rd_kafka_version() < 0x020601ff) WAYBILL_NOT_APPLICABLE("librdkafka is older than 2.6.1");
  if (has_brokers_decide()) WAYBILL_NOT_APPLICABLE("the brokers decide who gets what");
  const std::string options = "&partitions=4&rdkafka.partition.assignment.strategy=cooperative-sticky";
  const std::string group = "g" + prefix_;
  const auto caller = connect("&partitions=4");
  std::map<std::string, int> handled;
  std::size_t by_one = 0;
  const auto one = listen(events("work"), options, group);
  one->sink.on_each = [&](Delivery&& delivery) {
    ++handled[text_of(delivery.packet)];
    ++by_one;
    delivery.settle(Settlement::ack);
  };
  for (int i = 0; i < 40; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i), 0});
  ASSERT_TRUE(wait_for([&] { return handled.size() == 40; }));
  auto other = std::make_unique<Service>();
  other->sink.on_each = [&](Delivery&& delivery) {
    ++handled[text_of(delivery.packet)];
    delivery.settle(Settlement::ack);
  };
  try_listen(*other, url(options), events("work"), group).value();
  ASSERT_TRUE(wait_for([&] { return logs_.contains("has 2 partitions here"); }));
  by_one = 0;
  for (int i = 40; i < 120; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i), 0});
  EXPECT_TRUE(wait_for([&] { return handled.size() == 120; })) << handled.size();
  EXPECT_GT(by_one, 0u) << "it has kept half of them";
  EXPECT_LT(by_one, 80u);
  for (const auto& [text, times] : handled) EXPECT_EQ(times, 1) << text;
}

/// Takes its only member out of a group, as if its session had ended: a LeaveGroup request (13, version 0).
void expel(const std::string& broker, const std::string& group, const std::string& member) {
  const auto number = [](std::size_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
    return text;
  };
  const auto string = [&number](const std::string& text) { return number(text.size(), 2) + text; };
  const std::string request =
      number(13, 2) + number(0, 2) + number(7, 4) + string("test") + string(group) + string(member);
  const std::string host_and_port = broker.substr(broker.find("//") + 2);
  const std::size_t colon = host_and_port.find(':');
  asio::io_context loop(1);
  asio::ip::tcp::socket socket(loop);
  asio::connect(socket,
                asio::ip::tcp::resolver(loop).resolve(host_and_port.substr(0, colon), host_and_port.substr(colon + 1)));
  asio::write(socket, asio::buffer(number(request.size(), 4) + request));
  std::string answer(10, '?');
  asio::read(socket, asio::buffer(answer));
  EXPECT_EQ(answer, number(6, 4) + number(7, 4) + number(0, 2));
}

/// The member that a consumer of this test is at the broker, by librdkafka's own words.
std::string member_of(const test::LogCapture& logs) {
  std::string member;
  for (const auto& line : logs.lines()) {
    const std::size_t at = line.text.find("-> \"");
    if (line.text.find("updating member id") != std::string::npos)
      member = line.text.substr(at + 4, line.text.size() - at - 5);
  }
  return member;
}

TEST_F(Kafka, WhatIsInHandIsNotBegunAgainWhenItsPartitionComesBackAndItsKeyWaits) {
  std::vector<std::string> begun;
  std::optional<Delivery> slow;
  const auto service = listen(events("work"), "&rdkafka.debug=cgrp", "g");
  const auto caller = connect();
  service->sink.on_each = [&](Delivery&& delivery) {
    begun.push_back(text_of(delivery.packet));
    if (begun.back() != "slow") return delivery.settle(Settlement::ack);
    delivery.own();
    slow.emplace(std::move(delivery));
  };
  send(*caller, {"work", "slow", "", "k", 0});
  send(*caller, {"work", "next of its key", "", "k", 0});
  send(*caller, {"work", "behind it", "", "other", 0});
  ASSERT_TRUE(wait_for([&] { return begun.size() == 2; }));
  expel(base_, prefix_ + "g-server", member_of(logs_));
  ASSERT_TRUE(wait_for([&] { return logs_.contains("has 0 partitions here"); }));
  send(*caller, {"work", "after", "", "other", 0});
  ASSERT_TRUE(wait_for([&] { return begun.size() == 3; }));
  EXPECT_EQ(begun, (std::vector<std::string>{"slow", "behind it", "after"}));
  slow->settle(Settlement::ack);
  ASSERT_TRUE(wait_for([&] { return begun.size() == 4; }));
  EXPECT_EQ(begun.back(), "next of its key");
}

TEST_F(Kafka, WhatIsFinishedIsNotRepeatedWhenTheMembershipEndsAndThePartitionsComeBack) {
  std::map<std::string, int> handled;
  std::optional<Delivery> slow;
  const auto service = listen(events("work"), "&rdkafka.debug=cgrp&rdkafka.auto.commit.interval.ms=3600000", "g");
  const auto caller = connect();
  service->sink.on_each = [&](Delivery&& delivery) {
    const std::string text = text_of(delivery.packet);
    if (++handled[text] == 1 && text == "slow") {
      delivery.own();
      slow.emplace(std::move(delivery));
      return;
    }
    delivery.settle(Settlement::ack);
  };
  for (int i = 0; i < 20; ++i) send(*caller, {"work", std::to_string(i), "", "", 0});
  send(*caller, {"work", "slow", "", "", 0});
  ASSERT_TRUE(wait_for([&] { return handled.size() == 21; }));

  expel(base_, prefix_ + "g-server", member_of(logs_));
  ASSERT_TRUE(wait_for([&] { return logs_.contains("has 0 partitions here"); }));
  slow->settle(Settlement::ack);
  send(*caller, {"work", "after", "", "", 0});
  ASSERT_TRUE(wait_for([&] { return handled.contains("after"); }));
  for (const auto& [text, times] : handled) EXPECT_EQ(times, 1) << text;
}

TEST_F(Kafka, AGroupWithAnotherAssignorIsRefusedInOneSentence) {
  if (has_brokers_decide()) WAYBILL_NOT_APPLICABLE("the brokers decide who gets what");
  const std::string group = "g" + prefix_;
  const auto first = listen(events("work"), "&rdkafka.partition.assignment.strategy=roundrobin", group);
  Service second;
  const auto opened = try_listen(second, url("&rdkafka.partition.assignment.strategy=range"), events("work"), group);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::invalid_config) << opened.error().what();
  EXPECT_FALSE(opened.error().is_retryable());
  for (const char* part : {group.c_str(), "NestJS", "group=NAME"})
    EXPECT_NE(std::string(opened.error().what()).find(part), std::string::npos) << opened.error().what();
}

TEST_F(Kafka, StatisticsAreToldAsFigures) {
  std::map<std::string, double, std::less<>> figures;
  Environment watched = environment();
  watched.metrics = [&figures](std::string_view name, double value) { figures[std::string(name)] = value; };
  Service service;
  service.transport = test::transport_of(url("&statistics=20ms"));
  service.listener = service.transport->make_listener(watched);
  test::run_until(loop_, service.listener->open(events("work"), service.sink)).value();
  const auto caller = connect();
  send(*caller, {"work", "x", "", "", 0});
  ASSERT_TRUE(wait_for([&] { return figures["kafka.consumer.topics." + prefix_ + "work.partitions.0.rxmsgs"] == 1; }));
  EXPECT_TRUE(figures.contains("kafka.producer.msg_cnt"));
}

TEST_F(Kafka, AMemberThatGetsNoPartitionIsReadyAndTakesOver) {
  auto one = listen(events("work"), "&partitions=1", "g" + prefix_);
  const auto spare = listen(events("work"), "&partitions=1", "g" + prefix_);
  std::size_t taken = 0;
  spare->sink.on_each = [&taken](Delivery&& delivery) {
    ++taken;
    delivery.settle(Settlement::ack);
  };
  one->listener->close();
  one.reset();
  const auto caller = connect("&partitions=1");
  send(*caller, {"work", "1", "", "", 0});
  EXPECT_TRUE(wait_for([&] { return taken == 1; }));
}

TEST_F(Kafka, TwoMembersShareThePartitionsOfAGroup) {
  const auto one = listen(events("work"), "&partitions=4", "g" + prefix_);
  const auto other = listen(events("work"), "&partitions=4", "g" + prefix_);
  ASSERT_TRUE(wait_for([&] { return logs_.count("has 2 partitions here") >= 2; }));
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

}  // namespace
}  // namespace waybill
