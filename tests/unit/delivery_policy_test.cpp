// The delivery policy, over the memory transport (which counts deliveries) and TCP.
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transports/memory.hpp"
#include "waybill/transports/tcp.hpp"
#include "waybill/waybill.hpp"

#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace waybill {
namespace {

class DeliveryPolicyOver : public testing::Test {
 protected:
  DeliveryPolicyOver() {
    registry->add_transport("memory", broker->factory());
    registry->add_serializer(json::make_json_serializer());
  }
  ~DeliveryPolicyOver() override { test::run_ready(loop); }

  Service& serve(const std::string& url) {
    service.emplace(loop.get_executor(), Config::listen({url}), registry);
    service->log_to(logs.sink());
    return *service;
  }
  void start() { test::run_until(loop, service->start()); }
  Client& call(const std::string& url) {
    client.emplace(loop.get_executor(), ClientConfig::from_url(url), registry, logs.log());
    return *client;
  }
  /// How many warnings contain `part`.
  std::ptrdiff_t warnings(std::string_view part) {
    const auto lines = logs.lines();
    return std::count_if(lines.begin(), lines.end(), [part](const test::LogCapture::Line& line) {
      return line.level == LogLevel::warning && line.text.find(part) != std::string::npos;
    });
  }

  asio::io_context loop{1};
  test::LogCapture logs;
  std::shared_ptr<memory::Broker> broker = memory::Broker::make();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  std::optional<Service> service;
  std::optional<Client> client;
};

using DeliveryPolicyOverMemory = DeliveryPolicyOver;

TEST_F(DeliveryPolicyOverMemory, AnEventThatNeverEndsIsGivenUpBeforeItsHandlerRunsOnceMore) {
  const std::string url = "memory://policy?attempts=2&dead_letter=dead";
  int runs = 0;
  serve(url).on_event("poison", [&runs](Context& context) {
    ++runs;
    context.leave();  // as good as a crash: the link goes while it is in hand
  });
  start();
  call("memory://policy").emit("poison", 1, asio::detached);
  for (const int expected : {1, 2}) {
    ASSERT_TRUE(test::eventually(loop, [&] { return runs == expected; }));
    broker->disconnect_listeners();
  }
  ASSERT_TRUE(test::eventually(loop, [&] { return service->stats().dead_lettered == 1; }));
  test::run_ready(loop);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(broker->counters().unsettled, 0u);
  EXPECT_EQ(warnings("gave up the event poison"), 1);
}

TEST_F(DeliveryPolicyOverMemory, ARequestThatNeverEndsIsAnsweredWithAnError) {
  const std::string url = "memory://policy?attempts=2";
  int runs = 0;
  serve(url).on_request("poison", [&runs](Context& context) -> asio::awaitable<int> {
    ++runs;
    asio::steady_timer never(context.executor(), asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return 1;
  });
  start();
  std::optional<Result<int>> outcome;
  call("memory://policy").request<int>("poison", 1, [&outcome](const Result<int>& result) { outcome = result; });
  for (const int expected : {1, 2}) {
    ASSERT_TRUE(test::eventually(loop, [&] { return runs == expected; }));
    broker->disconnect_listeners();
  }
  ASSERT_TRUE(test::eventually(loop, [&] { return outcome.has_value(); }));
  ASSERT_FALSE(outcome->has_value());
  EXPECT_TRUE(outcome->error().code() == errc::remote) << outcome->error().what();
  EXPECT_EQ(runs, 2);
}

TEST_F(DeliveryPolicyOverMemory, WhatWaitedOnALostLinkIsNotWaitedForAnyMore) {
  const std::string url = "memory://policy?max_in_flight=2&backoff=1h..1h&attempts=100";
  bool is_away = true;
  int done = 0;
  serve(url).on_event("work", [&] {
    if (is_away) throw Error("the dependency is away");
    ++done;
  });
  start();
  Client& sender = call("memory://policy");
  for (int i = 0; i < 6; ++i) sender.emit("work", i, asio::detached);
  ASSERT_TRUE(test::eventually(loop, [&] { return service->stats().retried >= 2; }));
  is_away = false;
  broker->disconnect_listeners();
  EXPECT_TRUE(test::eventually(loop, [&] { return done == 6; })) << done << " of 6 handled";
}

TEST_F(DeliveryPolicyOverMemory, WhatItsHandlerLeftKeepsNoRetryFromWaiting) {
  const std::string url = "memory://policy?max_in_flight=8&backoff=1ms..1ms";
  int left = 0;
  int attempts = 0;
  serve(url)
      .on_event("left",
                [&left](Context& context) {
                  ++left;
                  context.leave();
                })
      .on_event("work", [&attempts] {
        if (++attempts < 3) throw Error("not yet");
      });
  start();
  Client& sender = call("memory://policy");
  for (int i = 0; i < 7; ++i) sender.emit("left", i, asio::detached);
  sender.emit("work", 1, asio::detached);
  EXPECT_TRUE(test::eventually(loop, [&] { return attempts == 3; })) << attempts << " attempts";
  EXPECT_EQ(left, 7);
}

TEST_F(DeliveryPolicyOverMemory, AServiceWithoutDeadLettersSaysSoAtStartAndWhenItDrops) {
  serve("memory://policy?attempts=1").on_event("work", [] { throw Error("never"); });
  start();
  EXPECT_EQ(warnings("dead_letter"), 1) << "nobody is told that events may be dropped";
  call("memory://policy").emit("work", 1, asio::detached);
  ASSERT_TRUE(test::eventually(loop, [&] { return service->stats().dropped == 1; }));
  EXPECT_EQ(warnings("it is dropped"), 1);
}

TEST_F(DeliveryPolicyOverMemory, AServiceWithDeadLettersWarnsOfNothing) {
  serve("memory://policy?dead_letter=dead").on_event("work", [] {});
  start();
  EXPECT_EQ(warnings("dead_letter"), 0);
}

TEST_F(DeliveryPolicyOverMemory, AHandlerThatNoMessageReachesIsNamedAtStart) {
  serve("memory://policy").on_request("null", [] { return 1; }).on_request("sum", [] { return 2; });
  start();
  EXPECT_EQ(warnings("no message reaches the handler of null"), 1);
  EXPECT_EQ(warnings("no message reaches"), 1);
}

using DeliveryPolicyOverTcp = DeliveryPolicyOver;

TEST_F(DeliveryPolicyOverTcp, EventsWithoutAHandlerAreAWarningOncePerPattern) {
  registry->add_transport("tcp", tcp::make_transport);
  serve("tcp://127.0.0.1:0").on_event("order.created", [] {});
  start();
  Client& sender = call(service->addresses().front());
  for (int i = 0; i < 3; ++i) sender.emit("order.jbo", i, asio::detached);
  sender.emit("order.jbi", 1, asio::detached);
  ASSERT_TRUE(test::eventually(loop, [&] { return service->stats().unhandled == 4; }));
  EXPECT_EQ(warnings("no handler for the event order.jbo"), 1);
  EXPECT_EQ(warnings("no handler for the event order.jbi"), 1);
}

}  // namespace
}  // namespace waybill
