// Which handlers a message finds and what these may do to their own service, on each carrier, on the loop and on a pool.
#include "service_rig.hpp"

namespace waybill::test {
namespace {

class HandlerCalls : public ServiceRig {
 protected:
  bool is_on_pool() const { return GetParam().handler_threads > 0; }
};

TEST_P(HandlerCalls, AnEventFindsARequestHandlerAndARequestAnEventHandler) {
  std::atomic<int> seen{0};
  service->on_request("asked", [&seen](int number) { return seen += number; });
  service->on_event("told", [](int number) { return number + 1; });
  start();
  Client& client = connect();
  run_until(loop, client.emit("asked", 5));
  EXPECT_TRUE(wait_until([&seen] { return seen == 5; }));
  EXPECT_EQ(run_until(loop, client.request<int>("told", 1)), 2);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(HandlerCalls, AllEventHandlersRunThoughOneFails) {
  std::atomic<int> first{0}, second{0}, third{0};
  service->on_event("told", [&first](int) { ++first; });
  service->on_event("told", [&second](int) {
    ++second;
    throw Error("no").permanent();
  });
  service->on_event("told", [&third](int) { ++third; });
  start();
  run_until(loop, connect().emit("told", 1));
  EXPECT_TRUE(wait_until([this] { return service->stats().failed == 1 && is_idle(); }));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(third, 1);
}

TEST_P(HandlerCalls, AnErrorThatItsCallerIsNotToldStandsInTheLogOnce) {
  service->on_request("order", [](int) -> int { throw Error(errc::refused, "the store is away", End::rejected); });
  start();
  EXPECT_THROW(run_until(loop, connect().request<int>("order", 1)), Error);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(log.count("the handler of order failed: the store is away"), 1u);
}

TEST_P(HandlerCalls, AHandlerThatDrainsItsServiceFinishesFirst) {
  std::optional<Result<DrainReport>> report;
  service->on_request("stop", [this, &report](int number) {
    service->drain(k_patience, [&report](Result<DrainReport> drained) { report.emplace(std::move(drained)); });
    return number;
  });
  start();
  EXPECT_EQ(run_until(loop, connect().request<int>("stop", 7)), 7);
  ASSERT_TRUE(wait_until([&report] { return report.has_value(); }));
  EXPECT_TRUE(*report);
}

TEST_P(HandlerCalls, AHandlerThatClosesItsServiceDoesNoHarm) {
  service->on_request("close", [this](int number) {
    service->close();
    return number;
  });
  service->on_request("close later", [this](int number) -> Stream<int> {
    co_yield number;
    service->close();
    co_await turn();
    co_yield number;
  });
  start();
  Client& client = connect("?timeout=60s");
  const auto all = read(client, "close later", 3);
  client.request<int>("close", 1, [](const Result<int>&) {});
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  client.close();
  EXPECT_TRUE(wait_for(all));
}

TEST_P(HandlerCalls, ABlockingCallIsRefusedWhereItWouldStopItsService) {
  service->on_request("inner", [](int number) { return number + 1; });
  const auto call = [this](int number) {
    BlockingClient client(address());
    return client.request<int>("inner", number);
  };
  service->on_request("outer", call);
  service->on_request("later", [call](int number) -> asio::awaitable<int> { co_return call(number); });
  start();
  Client& client = connect();
  for (const char* pattern : {"outer", "later"}) {
    std::optional<Result<int>> outcome;
    client.request<int>(pattern, 1, [&outcome](Result<int> result) { outcome.emplace(std::move(result)); });
    ASSERT_TRUE(wait_until([&outcome] { return outcome.has_value(); }));
    if (is_on_pool()) {
      ASSERT_TRUE(*outcome) << outcome->error().what();
      EXPECT_EQ(**outcome, 2);
    } else {
      ASSERT_FALSE(*outcome);
      EXPECT_TRUE(log.contains("the handler of " + std::string(pattern) + " failed: a BlockingClient would stop"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, HandlerCalls, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
