// Services and clients over the transport: replies of many values.
#include "conformance.hpp"
#include "reading.hpp"

namespace waybill::conformance {
namespace {

Stream<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

std::vector<int> numbers_to(int last) {
  std::vector<int> numbers;
  for (int i = 1; i <= last; ++i) numbers.push_back(i);
  return numbers;
}

TEST_P(TransportConformance, AStreamHasItsValuesInOrderThenItsEnd) {
  const auto service = make_service();
  service->on_request("count", [](int last) { return count_to(last); });
  start(*service);
  const auto client = make_client(*service);
  for (const int last : {1, 3, 1'000}) {
    Reading<int> reading(client->stream<int>("count", last));
    ASSERT_TRUE(wait_for([&] { return reading.is_ended; })) << last;
    EXPECT_FALSE(reading.error) << reading.error->what();
    EXPECT_EQ(reading.values, numbers_to(last));
  }
}

TEST_P(TransportConformance, AnEmptyStreamOnlyEnds) {
  const auto service = make_service();
  service->on_request("count", [](int last) { return count_to(last); });
  start(*service);
  const auto client = make_client(*service);
  Reading<int> reading(client->stream<int>("count", 0));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_FALSE(reading.error) << reading.error->what();
  EXPECT_TRUE(reading.values.empty());
}

TEST_P(TransportConformance, OneValueIsAStreamToo) {
  const auto service = make_service();
  service->on_request("one", [] { return 7; });
  start(*service);
  const auto client = make_client(*service);
  Reading<int> reading(client->stream<int>("one", 0));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_FALSE(reading.error) << reading.error->what();
  EXPECT_EQ(reading.values, (std::vector<int>{7}));
}

TEST_P(TransportConformance, AStreamMayEndLongAfterItsLastValue) {
  const auto service = make_service();
  Gate gate(loop);
  service->on_request("late", [&]() -> Stream<int> {
    co_yield 1;
    co_await gate.pass();
  });
  start(*service);
  const auto client = make_client(*service);
  Reading<int> reading(client->stream<int>("late", 0));
  ASSERT_TRUE(wait_for([&] { return reading.values.size() == 1; }));
  test::run_ready(loop);
  EXPECT_FALSE(reading.is_ended);
  gate.open();
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_FALSE(reading.error) << reading.error->what();
}

TEST_P(TransportConformance, AnErrorEndsAStreamAfterItsValues) {
  const auto service = make_service();
  service->on_request("broken", []() -> Stream<int> {
    co_yield 1;
    co_yield 2;
    throw Error("E7", "no more");
  });
  start(*service);
  const auto client = make_client(*service);
  Reading<int> reading(client->stream<int>("broken", 0));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_EQ(reading.values, (std::vector<int>{1, 2}));
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->name(), "E7");
}

TEST_P(TransportConformance, AStreamWithoutHandlerEndsWithAnError) {
  const auto service = make_service();
  service->on_request("known", [] { return 7; });
  start(*service);
  const auto client = make_client(*service);
  CallOptions options;
  if (!capabilities().tells_unhandled) options.timeout = std::chrono::milliseconds(300);
  Reading<int> reading(client->stream<int>("unknown", 0, options));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_TRUE(reading.error);
}

TEST_P(TransportConformance, AStreamWhoseCallerIsGoneIsDestroyed) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().sees_callers);
  const auto service = make_service();
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = alive;
  service->on_request("endless", [&alive]() -> Stream<int> {
    const auto held = std::move(alive);
    for (;;) co_yield ++*held;
  });
  start(*service);
  auto client = make_client(*service);
  Reading<int> reading(client->stream<int>("endless", 0));
  reading.stop_at = 10;
  ASSERT_TRUE(wait_for([&] { return reading.values.size() >= 10; }));
  EXPECT_FALSE(watched.expired());
  client.reset();
  EXPECT_TRUE(wait_for([&] { return watched.expired(); }));
}

TEST_P(TransportConformance, AStreamThatIsGivenUpIsDestroyedAndOthersOfItsCallerGoOn) {
  WAYBILL_CONFORMANCE_NEEDS(capabilities().hears_cancels);
  const auto service = make_service();
  auto alive = std::make_shared<int>(0);
  auto silent = std::make_shared<int>(0);
  const std::weak_ptr<int> watched[] = {alive, silent};
  Gate never(loop);
  Gate gate(loop);
  service->on_request("endless", [&alive]() -> Stream<int> {
    const auto held = std::move(alive);
    for (;;) co_yield ++*held;
  });
  service->on_request("silent", [&silent, &never]() -> Stream<int> {
    const auto held = std::move(silent);
    co_await never.pass();
    co_yield ++*held;
  });
  service->on_request("late", [&gate]() -> Stream<int> {
    co_yield 1;
    co_await gate.pass();
    co_yield 2;
  });
  start(*service);
  const auto client = make_client(*service);
  std::optional<Reading<int>> one(client->stream<int>("endless", 0));
  one->stop_at = 10;
  std::optional<ReplyStream<int>> other(client->stream<int>("silent", 0));
  Reading<int> stays(client->stream<int>("late", 0));
  ASSERT_TRUE(wait_for([&] { return one->values.size() >= 10 && !silent && stays.values.size() == 1; }));
  one->stream.cancel();
  other->cancel();
  EXPECT_TRUE(wait_for([&] { return watched[0].expired() && watched[1].expired(); }));
  gate.open();
  ASSERT_TRUE(wait_for([&] { return stays.is_ended; }));
  EXPECT_EQ(stays.values, (std::vector<int>{1, 2}));
  EXPECT_FALSE(stays.error);
}

TEST_P(TransportConformance, TwoStreamsRunSideBySide) {
  const auto service = make_service();
  service->on_request("count", [](int last) { return count_to(last); });
  start(*service);
  const auto client = make_client(*service);
  Reading<int> one(client->stream<int>("count", 200));
  Reading<int> other(client->stream<int>("count", 100));
  ASSERT_TRUE(wait_for([&] { return one.is_ended && other.is_ended; }));
  EXPECT_EQ(one.values, numbers_to(200));
  EXPECT_EQ(other.values, numbers_to(100));
}

}  // namespace
}  // namespace waybill::conformance
