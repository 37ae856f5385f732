// Services and clients over the transport, as programs use them: handlers that wait again and again, callers that leave in
// between, handlers on four threads, callbacks that throw, middleware around everything.
#include "conformance.hpp"
#include "reading.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>

#include <array>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string>

namespace waybill::conformance {
namespace {

using namespace std::chrono_literals;

struct Order {
  std::string id;
  std::vector<int> parts;
};

/// Waits in the ways that a handler may wait.
asio::awaitable<void> wait_a_little(const asio::any_io_executor& executor) {
  asio::steady_timer timer(executor, 1ms);
  co_await timer.async_wait(asio::use_awaitable);
  co_await asio::post(executor, asio::use_awaitable);
}

/// Several waits before and after each value, with an argument that is lent.
Stream<std::string> parts_of(const Order& order, Context& context) {
  co_await wait_a_little(context.executor());
  for (const int part : order.parts) {
    co_await wait_a_little(context.executor());
    co_await wait_a_little(context.executor());
    co_yield order.id + std::to_string(part);
    co_await wait_a_little(context.executor());
  }
  co_await wait_a_little(context.executor());
}

TEST_P(TransportConformance, AStreamThatWaitsAroundEachValueHasThemAll) {
  const auto service = make_service();
  service->on_request("parts", parts_of);
  start(*service);
  const auto client = make_client(*service);
  Order order;
  order.id = std::string(100, 'o');
  order.parts = {1, 2, 3, 4, 5};
  Reading<std::string> one(client->stream<std::string>("parts", order));
  Reading<std::string> other(client->stream<std::string>("parts", order));
  ASSERT_TRUE(wait_for([&] { return one.is_ended && other.is_ended; }));
  EXPECT_FALSE(one.error) << one.error->what();
  ASSERT_EQ(one.values.size(), 5u);
  EXPECT_EQ(one.values.back(), order.id + "5");
  EXPECT_EQ(other.values, one.values);
}

TEST_P(TransportConformance, CallersThatLeaveAtAnyPointDisturbNobody) {
  const auto service = make_service();
  service->on_request("parts", parts_of);
  service->on_request("slow", [](int x, Context& context) -> asio::awaitable<int> {
    co_await wait_a_little(context.executor());
    co_return x;
  });
  start(*service);
  const auto client = make_client(*service);
  Order order;
  order.id = "o";
  order.parts = {1, 2, 3};
  for (std::size_t read = 0; read < 4; ++read) {
    { const auto unread = client->stream<std::string>("parts", order); }
    {
      Reading<std::string> reading(client->stream<std::string>("parts", order));  // goes while next() waits
      reading.stop_at = read + 1;
      ASSERT_TRUE(wait_for([&] { return reading.values.size() >= read || reading.is_ended; }));
      reading.stop_at = 0;
      reading.stream.cancel();
      ASSERT_TRUE(wait_for([&] { return reading.is_ended || reading.values.size() > read; }));
    }
    asio::cancellation_signal leave;
    const auto left = make_outcome<int>();
    client->request<int>("slow", 1, asio::bind_cancellation_slot(leave.slot(), keep(left)));
    leave.emit(asio::cancellation_type::terminal);
    const auto stays = request<int>(*client, "slow", static_cast<int>(read));
    ASSERT_TRUE(wait_for(stays));
    EXPECT_EQ((*stays)->value(), static_cast<int>(read));
    ASSERT_TRUE(wait_for(left));
  }
  EXPECT_TRUE(wait_for([&] { return service->stats().in_flight == 0 && client->stats().waiting == 0; }));
}

TEST_P(TransportConformance, FourHandlerThreadsAnswerEverything) {
  ServeOptions options;
  options.handler_threads = 4;
  const auto service = make_service(options);
  std::atomic<int> events{0};
  service->on_request("double", [](int x) { return 2 * x; });
  service->on_request("later", [](int x, Context& context) -> asio::awaitable<int> {
    co_await wait_a_little(context.executor());
    co_return 2 * x;
  });
  service->on_request("refused", [](const std::string& text) -> int { throw Error("E1", text); });
  service->on_request("parts", parts_of);
  service->on_event("noted", [&events](const Payload&) { ++events; });
  start(*service);
  const auto client = make_client(*service);
  constexpr int k_calls = 60;
  std::vector<Outcome<int>> calls;
  for (int i = 0; i < k_calls; ++i) {
    calls.push_back(request<int>(*client, i % 2 ? "double" : "later", i));
    calls.push_back(request<int>(*client, "refused", std::to_string(i)));
    emit(*client, "noted", i);
  }
  Order order;
  order.id = "o";
  order.parts = {1, 2, 3};
  Reading<std::string> reading(client->stream<std::string>("parts", order));
  for (const auto& call : calls) ASSERT_TRUE(wait_for(call));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  for (int i = 0; i < k_calls; ++i) {
    EXPECT_EQ((*calls[static_cast<std::size_t>(2 * i)])->value(), 2 * i);
    const Result<int>& refused = **calls[static_cast<std::size_t>(2 * i + 1)];
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().name(), "E1");
    EXPECT_NE(refused.error().message().find(std::to_string(i)), std::string_view::npos);
  }
  EXPECT_EQ(reading.values, (std::vector<std::string>{"o1", "o2", "o3"}));
  EXPECT_TRUE(wait_for([&] { return events == k_calls && service->stats().in_flight == 0; }));
}

TEST_P(TransportConformance, WhatACallbackThrowsLeavesTheLoopAndNothingElse) {
  const auto service = make_service();
  service->on_request("double", [](int x) { return 2 * x; });
  service->on_request("parts", parts_of);
  service->on_event("noted", [](int) {});
  start(*service);
  const auto client = make_client(*service);
  int thrown = 0;
  int told = 0;
  const auto throwing = [&told](const auto&) {
    ++told;
    throw std::runtime_error("a bug of the caller");
  };
  const auto before = request<int>(*client, "double", 1);
  client->request<int>("double", 2, throwing);
  client->emit("noted", 3, throwing);
  Order order;
  order.id = "o";
  order.parts = {1};
  auto stream = client->stream<std::string>("parts", order);
  stream.next(throwing);
  client->flush(throwing);
  const auto after = request<int>(*client, "double", 4);
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while ((thrown < 4 || !before->has_value() || !after->has_value()) && std::chrono::steady_clock::now() < give_up) {
    try {
      loop.restart();
      loop.run_one_for(100ms);
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_EQ(told, 4);
  EXPECT_EQ(thrown, 4);
  ASSERT_TRUE(before->has_value() && after->has_value());
  EXPECT_EQ((*before)->value(), 2);
  EXPECT_EQ((*after)->value(), 8);
  EXPECT_EQ(client->status(), Status::ready);
}

using Steps = std::vector<std::string>;

/// Shared: what was in hand at the end of a test goes on after it.
Middleware noting(const std::shared_ptr<Steps>& steps, const std::string& name) {
  return {name, [steps, name](Context&, Next next) -> asio::awaitable<Result<void>> {
            steps->push_back(name + " in");
            Result<void> outcome = co_await next();
            steps->push_back(name + " out");
            co_return outcome;
          }};
}

TEST_P(TransportConformance, ChainsOfMiddlewareStandAroundCallsAndHandlers) {
  const auto service = make_service();
  const auto there = std::make_shared<Steps>();
  const auto here = std::make_shared<Steps>();
  service->use(noting(there, "a")).use(middleware::timeout(10s)).use(noting(there, "b"));
  service->on_request("double", [](int x) { return 2 * x; });
  service->on_request("parts", parts_of);
  service->on_event("noted", [there](int) { there->push_back("handled"); });
  start(*service);
  auto client = make_client(*service);
  client->use(noting(here, "c")).use(middleware::message_id()).use(noting(here, "d"));
  const auto call = request<int>(*client, "double", 21);
  ASSERT_TRUE(wait_for(call));
  EXPECT_EQ((*call)->value(), 42);
  EXPECT_TRUE(wait_for([&] { return *here == Steps({"c in", "d in", "d out", "c out"}); }));
  EXPECT_TRUE(wait_for([&] { return *there == Steps({"a in", "b in", "b out", "a out"}); }));
  there->clear();
  const auto event = emit(*client, "noted", 1);
  ASSERT_TRUE(wait_for(event));
  EXPECT_TRUE((*event)->has_value());
  EXPECT_TRUE(wait_for([&] { return *there == Steps({"a in", "b in", "handled", "b out", "a out"}); }));
  Order order;
  order.id = "o";
  order.parts = {1, 2};
  Reading<std::string> reading(client->stream<std::string>("parts", order));
  ASSERT_TRUE(wait_for([&] { return reading.is_ended; }));
  EXPECT_EQ(reading.values, (Steps{"o1", "o2"}));
}

}  // namespace
}  // namespace waybill::conformance
