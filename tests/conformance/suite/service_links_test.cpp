// Services and clients over the transport: lost links, draining, closing and backpressure.
#include "conformance.hpp"

#include <algorithm>
#include <map>

namespace waybill::conformance {
namespace {

using std::chrono::milliseconds;

TEST_P(TransportConformance, CallsInFlightFailAtOnceWhenTheLinkIsCut) {
  const auto service = make_service();
  Gate gate(loop);
  int running = 0;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    ++running;
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto one = request<int>(*client, "slow", 1);
  const auto other = request<int>(*client, "slow", 2);
  ASSERT_TRUE(wait_for([&] { return running == 2; }));
  if (!stage->cut_links()) {
    gate.open();
    test::run_ready(loop);
    WAYBILL_NOT_APPLICABLE("the stage cannot cut links");
  }
  ASSERT_TRUE(wait_for(one) && wait_for(other));
  for (const auto& call : {one, other}) {
    ASSERT_FALSE(**call);
    EXPECT_TRUE((*call)->error().code() == errc::connection_lost) << (*call)->error().what();
  }
  gate.open();
  test::run_ready(loop);
}

TEST_P(TransportConformance, AfterACutServicesServeAndClientsCallAgain) {
  const auto service = make_service();
  std::vector<int> events;
  service->on_request("double", [](int number) { return 2 * number; });
  service->on_event("number", [&](int number) { events.push_back(number); });
  start(*service);
  const auto client = make_client(*service);
  for (int round = 1; round <= 3; ++round) {
    // Whatever the client was told when its link went away, in the end it gets through again.
    Outcome<int> call;
    const bool is_answered = wait_for([&] {
      if (!call || (call->has_value() && !**call)) call = request<int>(*client, "double", round);
      return call->has_value() && (*call)->has_value();
    });
    ASSERT_TRUE(is_answered) << "round " << round;
    EXPECT_EQ((*call)->value(), 2 * round);
    Outcome<Accepted> event;
    ASSERT_TRUE(wait_for([&] {
      if (!event || (event->has_value() && !**event)) event = emit(*client, "number", round);
      return std::find(events.begin(), events.end(), round) != events.end();
    })) << "round "
        << round;
    if (!stage->cut_links()) WAYBILL_NOT_APPLICABLE("the stage cannot cut links");
  }
}

TEST_P(TransportConformance, AFrozenCarrierEndsCallsAtTheirDeadlineAndRecovers) {
  const auto service = make_service();
  service->on_request("double", [](int number) { return 2 * number; });
  start(*service);
  const auto client = make_client(*service);
  const auto before = request<int>(*client, "double", 1);
  ASSERT_TRUE(wait_for(before));
  if (!stage->freeze()) WAYBILL_NOT_APPLICABLE("the stage cannot freeze");
  CallOptions options;
  options.timeout = milliseconds(50);
  const auto meanwhile = request<int>(*client, "double", 2, options);
  ASSERT_TRUE(wait_for(meanwhile));
  ASSERT_FALSE(**meanwhile);
  EXPECT_TRUE((*meanwhile)->error().code() == errc::timeout) << (*meanwhile)->error().what();
  stage->thaw();
  const auto after = request<int>(*client, "double", 3);
  ASSERT_TRUE(wait_for(after));
  EXPECT_EQ((*after)->value(), 6);
}

TEST_P(TransportConformance, WhereAnAddressHasASoleListenerAnotherIsRefused) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().sole_listener);
  const auto service = make_service();
  start(*service);
  Config config = Config::listen({service->addresses().front()});
  config.listeners.front().startup.mode = Startup::Mode::fail_fast;
  Service other(loop.get_executor(), std::move(config), registry);
  const Result<void> started = try_start(other);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().code() == errc::refused) << started.error().what();
  const auto client = make_client(*service);
  EXPECT_TRUE(client->reaches_one());
}

TEST_P(TransportConformance, ADrainFinishesWhatWasTaken) {
  const auto service = make_service();
  Gate gate(loop);
  int running = 0;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    ++running;
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto one = request<int>(*client, "slow", 1);
  const auto other = request<int>(*client, "slow", 2);
  ASSERT_TRUE(wait_for([&] { return running == 2; }));
  const auto report = make_outcome<DrainReport>();
  service->drain(milliseconds(20'000), keep(report));
  test::run_ready(loop);
  EXPECT_FALSE(report->has_value());
  gate.open();
  ASSERT_TRUE(wait_for(report));
  ASSERT_TRUE(**report);
  EXPECT_EQ((**report)->finished, 2u);
  EXPECT_EQ((**report)->abandoned, 0u);
  ASSERT_TRUE(wait_for(one) && wait_for(other));
  EXPECT_EQ((*one)->value(), 1);
  EXPECT_EQ((*other)->value(), 2);
}

TEST_P(TransportConformance, ADrainEndsAtItsDeadlineAndSaysWhatItLeft) {
  const auto service = make_service();
  Gate gate(loop);
  int running = 0;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    ++running;
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto call = request<int>(*client, "slow", 1);
  ASSERT_TRUE(wait_for([&] { return running == 1; }));
  const auto report = make_outcome<DrainReport>();
  service->drain(milliseconds(30), keep(report));
  ASSERT_TRUE(wait_for(report));
  ASSERT_TRUE(**report);
  EXPECT_EQ((**report)->finished, 0u);
  EXPECT_EQ((**report)->abandoned, 1u);
  gate.open();
  test::run_ready(loop);
}

TEST_P(TransportConformance, ADrainOfAnIdleServiceEndsAtOnce) {
  const auto service = make_service();
  service->on_request("sum", [] { return 1; });
  start(*service);
  const auto report = make_outcome<DrainReport>();
  service->drain(milliseconds(20'000), keep(report));
  ASSERT_TRUE(wait_for(report));
  EXPECT_TRUE(**report);
  service->close();
}

TEST_P(TransportConformance, ClosingABusyServiceOrClientEndsEverything) {
  const auto service = make_service();
  Gate gate(loop);
  int running = 0;
  service->on_request("slow", [&](int number) -> asio::awaitable<int> {
    ++running;
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto call = request<int>(*client, "slow", 1);
  ASSERT_TRUE(wait_for([&] { return running == 1; }));
  service->close();
  service->close();
  client->close();
  client->close();
  ASSERT_TRUE(wait_for(call));
  EXPECT_FALSE(**call);
  const auto after = request<int>(*client, "slow", 2);
  ASSERT_TRUE(wait_for(after));
  ASSERT_FALSE(**after);
  EXPECT_TRUE((*after)->error().code() == errc::closed) << (*after)->error().what();
  gate.open();
  test::run_ready(loop);
}

TEST_P(TransportConformance, AtMostMaxInFlightHandlersRun) {
  const auto service = make_service({.group = {}, .max_in_flight = 3});
  int running = 0;
  int most = 0;
  service->on_request("work", [&](int number) -> asio::awaitable<int> {
    most = std::max(most, ++running);
    asio::steady_timer turn(loop, milliseconds(0));
    co_await detail::wait_quietly(turn);
    --running;
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  std::vector<Outcome<int>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(request<int>(*client, "work", i));
  for (const auto& call : calls) {
    ASSERT_TRUE(wait_for(call));
    EXPECT_TRUE(**call) << (*call)->error().what();
  }
  EXPECT_LE(most, 3);
  EXPECT_GT(most, 0);
}

TEST_P(TransportConformance, ASlowConsumerLosesNothing) {
  const auto service = make_service({.group = {}, .max_in_flight = 1});
  std::size_t handled = 0;
  std::size_t bytes = 0;
  service->on_event("chunk", [&](const std::string& chunk) -> asio::awaitable<void> {
    asio::steady_timer turn(loop, milliseconds(0));
    co_await detail::wait_quietly(turn);
    ++handled;
    bytes += chunk.size();
  });
  start(*service);
  const auto client = make_client(*service);
  const std::string chunk(4'096, 'x');
  constexpr std::size_t k_chunks = 200;
  for (std::size_t i = 0; i < k_chunks; ++i) emit(*client, "chunk", chunk);
  ASSERT_TRUE(wait_for([&] { return handled == k_chunks; }));
  EXPECT_EQ(bytes, k_chunks * chunk.size());
}

TEST_P(TransportConformance, EventsThatWereNotConfirmedWhenTheLinkBrokeAreSentAgain) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().confirms);
  if (!stage->cut_links()) WAYBILL_NOT_APPLICABLE("the stage cannot cut links");  // there is none yet
  const auto service = make_service();
  std::map<int, int> handled;
  std::size_t unmarked = 0;
  service->on_event("work", [&](int number, Context& context) {
    if (++handled[number] > 1 && !context.is_redelivered()) ++unmarked;
  });
  start(*service);
  const auto client = make_client(*service);
  std::vector<Outcome<Accepted>> outcomes;
  constexpr int k_events = 50;
  for (int i = 0; i < k_events; ++i) outcomes.push_back(emit(*client, "work", i));
  ASSERT_TRUE(wait_for(outcomes.front()));
  for (int i = 0; i < k_events; ++i) outcomes.push_back(emit(*client, "work", k_events + i));
  ASSERT_TRUE(stage->cut_links());
  for (int i = 0; i < k_events; ++i) outcomes.push_back(emit(*client, "work", 2 * k_events + i));
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(wait_for(outcome));
    EXPECT_TRUE(**outcome) << (*outcome)->error().what();
  }
  EXPECT_TRUE(wait_for([&] { return handled.size() == 3u * k_events; })) << handled.size();
  EXPECT_EQ(unmarked, 0u);
}

}  // namespace
}  // namespace waybill::conformance
