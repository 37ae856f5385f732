// Services and clients over the transport: events.
#include "conformance.hpp"

#include <algorithm>

namespace waybill::conformance {
namespace {

TEST_P(TransportConformance, AnEmittedEventIsHandled) {
  const auto service = make_service();
  std::vector<std::string> received;
  service->on_event("created", [&](const std::string& id) { received.push_back(id); });
  start(*service);
  const auto client = make_client(*service);
  const auto emitted = emit(*client, "created", std::string("a-1"));
  ASSERT_TRUE(wait_for(emitted));
  EXPECT_TRUE(**emitted) << (*emitted)->error().what();
  ASSERT_TRUE(wait_for([&] { return !received.empty(); }));
  EXPECT_EQ(received, (std::vector<std::string>{"a-1"}));
}

TEST_P(TransportConformance, AllHandlersOfAnEventRun) {
  const auto service = make_service();
  std::string order;
  service->on_event("created", [&] { order += 'a'; });
  service->on_event("created", [&] { order += 'b'; });
  start(*service);
  const auto client = make_client(*service);
  emit(*client, "created", 1);
  EXPECT_TRUE(wait_for([&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ab");
}

TEST_P(TransportConformance, EventsOfAClientAreHandledInOrder) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().keeps_order);
  const auto service = make_service();
  std::vector<int> received;
  service->on_event("number", [&](int number) { received.push_back(number); });
  start(*service);
  const auto client = make_client(*service);
  constexpr int k_events = 500;
  for (int i = 0; i < k_events; ++i) emit(*client, "number", i);
  ASSERT_TRUE(wait_for([&] { return received.size() == k_events; }));
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
}

TEST_P(TransportConformance, ServicesOfOneGroupShareEventsAndGroupsRepeatThem) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  std::vector<std::unique_ptr<Service>> services;
  std::vector<std::vector<int>> received(3);
  const char* groups[] = {"billing", "billing", "shipping"};
  for (std::size_t i = 0; i < 3; ++i) {
    services.push_back(make_service({.group = groups[i], .max_in_flight = 8}));
    services.back()->on_event("created", [&received, i](int number) { received[i].push_back(number); });
    start(*services.back());
  }
  const auto client = make_client(*services.front());
  constexpr std::size_t k_events = 20;
  for (std::size_t i = 0; i < k_events; ++i) emit(*client, "created", static_cast<int>(i));
  ASSERT_TRUE(
      wait_for([&] { return received[0].size() + received[1].size() == k_events && received[2].size() == k_events; }));
  EXPECT_FALSE(received[0].empty());
  EXPECT_FALSE(received[1].empty());
}

TEST_P(TransportConformance, UndeclaredGroupsAreRefusedAtStart) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups == Support::impossible);
  const auto service = make_service({.group = "workers", .max_in_flight = 8});
  service->on_event("created", [] {});
  const auto started = try_start(*service);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().code() == errc::unsupported) << started.error().what();
  EXPECT_NE(started.error().message().find("group"), std::string_view::npos) << started.error().what();
}

TEST_P(TransportConformance, WildcardHandlersGetWhatMatchesOrAreRefusedAtStart) {
  const auto service = make_service();
  std::vector<std::string> received;
  service->on_event("order.*", [&](Context& context) { received.emplace_back(context.pattern()); });
  const auto started = try_start(*service);
  if (capabilities().wildcards == Support::impossible) {
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().code() == errc::unsupported);
    EXPECT_NE(started.error().message().find("order.*"), std::string_view::npos) << started.error().what();
    return;
  }
  ASSERT_TRUE(started) << started.error().what();
  const auto client = make_client(*service);
  for (const auto* route : {"order.created", "order.a.b", "order.closed"}) emit(*client, route, 1);
  ASSERT_TRUE(wait_for([&] { return received.size() >= 2; }));
  test::run_ready(loop);
  std::sort(received.begin(), received.end());  // there may be no order between channels
  EXPECT_EQ(received, (std::vector<std::string>{"order.closed", "order.created"}));
}

TEST_P(TransportConformance, AnEventThatIsGivenBackComesAgain) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  const auto service = make_service();
  std::vector<int> attempts;
  std::vector<bool> marks;
  service->on_event("work", [&](Context& context) {
    attempts.push_back(context.attempt());
    marks.push_back(context.is_redelivered());
    if (attempts.size() < 3) context.retry();
  });
  start(*service);
  const auto client = make_client(*service);
  emit(*client, "work", 1);
  ASSERT_TRUE(wait_for([&] { return attempts.size() >= 3; }));
  test::run_ready(loop);
  EXPECT_EQ(attempts, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(marks, (std::vector<bool>{false, true, true}));
}

TEST_P(TransportConformance, AnEventIsSettledAfterItsHandlerHasFinished) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().redelivery != Support::impossible);
  WAYBILL_CONFORMANCE_NEEDS(capabilities().groups != Support::impossible);
  auto crashing = make_service({.group = "g", .max_in_flight = 8});
  Gate never(loop);
  bool is_running = false;
  crashing->on_event("work", [&]() -> asio::awaitable<void> {
    is_running = true;
    co_await never.pass();
  });
  start(*crashing);
  const auto client = make_client(*crashing);
  emit(*client, "work", 1);
  ASSERT_TRUE(wait_for([&] { return is_running; }));
  const auto heir = make_service({.group = "g", .max_in_flight = 8});
  bool is_redelivered = false;
  heir->on_event("work", [&](Context& context) { is_redelivered = context.is_redelivered(); });
  start(*heir);
  crashing->close();
  EXPECT_TRUE(wait_for([&] { return is_redelivered; }));
  never.open();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill::conformance
