// A service that is closed, and perhaps destroyed, by what runs on its own loop or pool.
#include "service_rig.hpp"

namespace waybill::test {
namespace {

class ServiceClosed : public ServiceRig {
 protected:
  bool has_pool() const { return GetParam().handler_threads > 0; }
};

TEST_P(ServiceClosed, OnItsLoopItCallsNoHandlerAnyMore) {
  if (has_pool()) return;  // whose handlers are under way
  auto database = std::make_unique<int>(1);
  int handled = 0, after_the_end = 0;
  service->on_request("ask", [&] {
    if (!database) ++after_the_end;
    if (++handled < 5) return;
    service->close();
    database.reset();
  });
  start();
  Client& client = connect();
  run_until(loop, client.connect());
  asio::post(loop, [&client] {
    for (int i = 0; i < 20; ++i) client.request<void>("ask", i, [](const Result<void>&) {});
  });
  ASSERT_TRUE(wait_until([&] { return handled >= 5; }));
  run_ready(loop);
  EXPECT_EQ(after_the_end, 0);
  EXPECT_EQ(handled, 5);
}

TEST_P(ServiceClosed, WhileItsLoopStandsStillItCallsNoHandlerAnyMoreEither) {
  if (has_pool()) return;  // whose handlers are under way
  int handled = 0;
  service->on_event("note", [&handled] { ++handled; });
  start();
  Client& client = connect();
  run_until(loop, client.connect());
  for (int i = 0; i < 20; ++i) client.emit("note", i, asio::detached);
  loop.restart();
  loop.poll_one();  // some may be on their way
  const int before = handled;
  service->close();
  service.reset();
  run_ready(loop);
  EXPECT_EQ(handled, before);
}

/// The service goes in the midst of one of its own handlers.
class ServiceDestroyed : public ServiceClosed {
 protected:
  void ask_for_the_end(const std::string& pattern) {
    start();
    Client& client = connect();
    const auto rows = read(client, pattern, 1);
    EXPECT_TRUE(wait_until([this] { return is_gone.load(); }));
    run_ready(loop);
    client.close();  // perhaps nobody answers it any more
    EXPECT_TRUE(wait_until([&rows] { return rows->is_ended; }));
  }
  void go() {
    service->close();
    service.reset();
    is_gone = true;
  }
  std::atomic<bool> is_gone{false};
};

TEST_P(ServiceDestroyed, ByAHandlerThatReturnsAtOnce) {
  service->on_request("end", [this](int value) {
    go();
    return value;
  });
  ask_for_the_end("end");
}

TEST_P(ServiceDestroyed, ByACoroutine) {
  service->on_request("end", [this](int value) -> asio::awaitable<int> {
    co_await turn();
    go();
    co_await turn();
    co_return value;
  });
  ask_for_the_end("end");
}

TEST_P(ServiceDestroyed, ByAStream) {
  service->on_request("end", [this](int value) -> Stream<int> {
    co_yield value;
    go();
    co_await turn();
    co_yield value;
  });
  ask_for_the_end("end");
}

INSTANTIATE_TEST_SUITE_P(Over, ServiceClosed, all_grounds(), name_of_ground);
INSTANTIATE_TEST_SUITE_P(Over, ServiceDestroyed, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
