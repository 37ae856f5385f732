// Contract, roles used directly: events, groups, wildcards, order, settlement and backpressure.
#include "conformance.hpp"

#include <algorithm>
#include <set>

namespace waybill::conformance {
namespace {

TEST_P(TransportConformance, AnEventArrivesAndItsTicketIsTold) {
  const auto listener = listen({event_route("created"), event_route("marker")});
  const auto connection = connect(*listener);
  send_event(*connection, "created", "one", 7);
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty() && !connection->sink.sent.empty(); }));
  auto delivery = listener->take();
  EXPECT_EQ(delivery.packet.kind, PacketKind::event);
  EXPECT_EQ(delivery.packet.pattern.text, "created");
  EXPECT_EQ(decode(delivery.packet), "one");
  delivery.settle(Settlement::ack);
  const auto& [ticket, outcome] = *connection->sink.sent.begin();
  EXPECT_EQ(ticket, 7u);
  EXPECT_TRUE(outcome.has_value());
}

TEST_P(TransportConformance, ATicketIsToldOnceAndOnlyOfWhatItAsksFor) {
  const auto listener = listen({event_route("created"), event_route("marker")});
  const auto connection = connect(*listener);
  send_event(*connection, "created", "told", 1);
  send_event(*connection, "created", "not told", 0);
  send_event(*connection, "created", "not told", k_failure_only | 2);
  settle_down(*listener, *connection, "marker");
  ASSERT_TRUE(wait_for([&] { return !connection->sink.sent.empty(); }));  // a broker confirms when it likes to
  EXPECT_EQ(connection->sink.sent.size(), 1u);
  EXPECT_EQ(connection->sink.sent.count(1), 1u);
}

TEST_P(TransportConformance, EventsOfOneConnectionKeepTheirOrder) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().keeps_order);
  const auto listener = listen({event_route("a"), event_route("b")}, {.group = {}, .max_in_flight = 8});
  const auto connection = connect(*listener);
  std::vector<std::string> received;
  listener->sink.on_each = [&](Delivery&& delivery) {
    received.push_back(decode(delivery.packet));
    delivery.settle(Settlement::ack);
  };
  constexpr std::size_t k_events = 1'000;
  for (std::size_t i = 0; i < k_events; ++i) send_event(*connection, i % 3 ? "a" : "b", std::to_string(i));
  ASSERT_TRUE(wait_for([&] { return received.size() == k_events; }));
  for (std::size_t i = 0; i < k_events; ++i) ASSERT_EQ(received[i], std::to_string(i));
}

TEST_P(TransportConformance, ListenersOfOneGroupShareTheWork) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  const auto one = listen({event_route("work")}, {.group = "workers", .max_in_flight = 4});
  const auto other = listen({event_route("work")}, {.group = "workers", .max_in_flight = 4});
  const auto connection = connect(*one);
  std::multiset<std::string> received;
  std::size_t by_one = 0;
  for (auto* listener : {one.get(), other.get()}) {
    listener->sink.on_each = [&, listener](Delivery&& delivery) {
      received.insert(decode(delivery.packet));
      if (listener == one.get()) ++by_one;
      delivery.settle(Settlement::ack);
    };
  }
  constexpr std::size_t k_events = 40;
  for (std::size_t i = 0; i < k_events; ++i) send_event(*connection, "work", std::to_string(i));
  ASSERT_TRUE(wait_for([&] { return received.size() >= k_events; }));
  test::run_ready(loop);
  EXPECT_EQ(received.size(), k_events);
  for (std::size_t i = 0; i < k_events; ++i) EXPECT_EQ(received.count(std::to_string(i)), 1u);
  EXPECT_GT(by_one, 0u);
  EXPECT_LT(by_one, k_events);
}

TEST_P(TransportConformance, EveryGroupGetsEachEvent) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  const auto billing = listen({event_route("created")}, {.group = "billing", .max_in_flight = 64});
  const auto shipping = listen({event_route("created")}, {.group = "shipping", .max_in_flight = 64});
  const auto connection = connect(*billing);
  for (int i = 0; i < 5; ++i) send_event(*connection, "created", std::to_string(i));
  ASSERT_TRUE(wait_for([&] { return billing->sink.deliveries.size() + shipping->sink.deliveries.size() >= 10; }));
  test::run_ready(loop);
  const std::vector<std::string> all{"0", "1", "2", "3", "4"};
  EXPECT_EQ(texts_of(*billing), all);
  EXPECT_EQ(texts_of(*shipping), all);
}

TEST_P(TransportConformance, ARequestGoesToOneListenerOnly) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  const auto one = listen({request_route("sum")}, {.group = "g", .max_in_flight = 64});
  const auto other = listen({request_route("sum")}, {.group = "g", .max_in_flight = 64});
  const auto bystander = listen({event_route("marker")}, {.group = "m", .max_in_flight = 64});
  const auto connection = connect(*one);
  send_request(*connection, "sum", "id-1", "");
  ASSERT_TRUE(wait_for([&] { return !one->sink.deliveries.empty() || !other->sink.deliveries.empty(); }));
  settle_down(*bystander, *connection, "marker");
  EXPECT_EQ(one->sink.delivered + other->sink.delivered, 1u);
}

TEST_P(TransportConformance, WildcardsMatchWordsBetweenDots) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().wildcards == Support::native);
  const auto listener = listen({event_route("order.*"), event_route("audit.**"), event_route("marker")});
  const auto connection = connect(*listener);
  for (const auto* route : {"order.created", "order.a.b", "order", "audit.a", "audit.a.b", "other.x"}) {
    send_event(*connection, route, route);
  }
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() >= 3; }));
  settle_down(*listener, *connection, "marker");
  auto received = texts_of(*listener);
  std::sort(received.begin(), received.end());
  EXPECT_EQ(received, (std::vector<std::string>{"audit.a", "audit.a.b", "order.created"}));
}

TEST_P(TransportConformance, RetryBringsTheMessageBack) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "again");
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
    auto delivery = listener->take();
    EXPECT_EQ(decode(delivery.packet), "again");
    EXPECT_EQ(delivery.attempt, attempt);
    EXPECT_EQ(delivery.redelivered, attempt > 1);
    delivery.settle(attempt < 3 ? Settlement::retry : Settlement::ack);
  }
}

TEST_P(TransportConformance, ADeliveryDroppedUnsettledMeansRetry) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "again");
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  listener->sink.deliveries.clear();
  ASSERT_TRUE(wait_for([&] { return !listener->sink.deliveries.empty(); }));
  auto delivery = listener->take();
  EXPECT_TRUE(delivery.redelivered);
  EXPECT_EQ(delivery.attempt, 2);
  delivery.settle(Settlement::ack);
}

TEST_P(TransportConformance, WhatIsAcknowledgedOrRejectedNeverComesBack) {
  const auto listener = listen({event_route("work"), event_route("marker")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "acknowledged");
  send_event(*connection, "work", "rejected");
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() == 2; }));
  listener->take().settle(Settlement::ack);
  listener->take().settle(Settlement::reject);
  settle_down(*listener, *connection, "marker");
  EXPECT_TRUE(listener->sink.deliveries.empty());
}

TEST_P(TransportConformance, TheUnsettledOfAClosedListenerGoToAnother) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  auto leaving = listen({event_route("work")}, {.group = "g", .max_in_flight = 8});
  const auto connection = connect(*leaving);
  for (int i = 0; i < 3; ++i) send_event(*connection, "work", std::to_string(i));
  ASSERT_TRUE(wait_for([&] { return leaving->sink.deliveries.size() == 3; }));
  leaving.reset();
  const auto heir = listen({event_route("work")}, {.group = "g", .max_in_flight = 8});
  ASSERT_TRUE(wait_for([&] { return heir->sink.deliveries.size() == 3; }));
  EXPECT_EQ(texts_of(*heir), (std::vector<std::string>{"0", "1", "2"}));
  for (auto& delivery : heir->sink.deliveries) {
    EXPECT_TRUE(delivery.redelivered);
    delivery.settle(Settlement::ack);
  }
}

TEST_P(TransportConformance, AtMostMaxInFlightAreInHand) {
  const auto listener = listen({request_route("work")}, {.group = {}, .max_in_flight = 2});
  const auto connection = connect(*listener);
  constexpr std::size_t k_requests = 50;
  for (std::size_t i = 0; i < k_requests; ++i) send_request(*connection, "work", std::to_string(i), "x");
  std::size_t most = 0;
  while (connection->sink.replies.size() < k_requests) {
    ASSERT_TRUE(
        wait_for([&] { return !listener->sink.deliveries.empty() || connection->sink.replies.size() == k_requests; }));
    test::run_ready(loop);
    most = std::max(most, listener->sink.deliveries.size());
    if (!listener->sink.deliveries.empty()) answer(listener->take(), "y");
  }
  EXPECT_LE(most, 2u);
  EXPECT_GE(most, 1u);
}

TEST_P(TransportConformance, APausedListenerReceivesLater) {
  const auto listener = listen({event_route("work")});
  const auto connection = connect(*listener);
  send_event(*connection, "work", "before");
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() == 1; }));
  listener->listener->pause();
  send_event(*connection, "work", "meanwhile");
  test::run_until(loop, connection->connection->flush());
  test::run_ready(loop);
  listener->listener->resume();
  ASSERT_TRUE(wait_for([&] { return listener->sink.deliveries.size() == 2; }));
  EXPECT_EQ(decode(listener->sink.deliveries.back().packet), "meanwhile");
  for (auto& delivery : listener->sink.deliveries) delivery.settle(Settlement::ack);
}

TEST_P(TransportConformance, NativePatternsAreCarriedOrRefusedByName) {
  const auto opened = try_listen({event_route(native("orders.>#?[")), event_route("plain")});
  if (opened) WAYBILL_NOT_APPLICABLE("the transport has native patterns");
  EXPECT_TRUE(opened.error().code() == errc::unsupported);
  EXPECT_NE(opened.error().message().find("orders.>#?["), std::string_view::npos) << opened.error().message();
}

}  // namespace
}  // namespace waybill::conformance
