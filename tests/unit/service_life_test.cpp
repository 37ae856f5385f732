// A service's start, end and pool: what waits is cancelled, what runs is waited for, and nothing outlives its loop.
#include "service_rig.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/ip/tcp.hpp>

#include <csignal>
#include <future>
#include <set>
#include <thread>

namespace waybill::test {
namespace {

/// run() on a thread of its own.
class RunningService {
  std::string url_;

 public:
  explicit RunningService(const std::function<void(Config&)>& change = {}) : service(config(change)) {
    service.log_to(log.sink());
  }
  ~RunningService() {
    service.stop();
    if (status_.valid()) status_.wait();
  }
  void run() {
    status_ = std::async(std::launch::async, [this] {
      thread = std::this_thread::get_id();
      return service.run();
    });
    ASSERT_TRUE(eventually(k_patience, [this] { return log.contains("listening on"); }));
  }
  int status() { return status_.get(); }
  std::string url() const { return url_; }

  LogCapture log;
  Service service;
  std::atomic<std::thread::id> thread{};

 private:
  Config config(const std::function<void(Config&)>& change) {
    asio::io_context io(1);
    {
      const asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
      url_ = "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    }
    Config made = Config::listen({url_});
    made.log_level = "debug";
    if (change) change(made);
    return made;
  }
  std::future<int> status_;
};

class ServiceLife : public testing::Test {
 protected:
  asio::io_context loop{1};
};

TEST_F(ServiceLife, RunsOnce) {
  RunningService running;
  running.run();
  running.service.stop();
  EXPECT_EQ(running.status(), 0);
  EXPECT_THROW((void)running.service.run(), Error);
}

TEST_F(ServiceLife, StartIsRefusedWhereRunIsMeant) {
  Service service(Config::listen({"memory://life"}));
  EXPECT_THROW(service.start([](const Result<void>&) {}), Error);
}

TEST_F(ServiceLife, WhatLeavesAnyLoopLeavesRun) {
  RunningService running([](Config& config) { config.threads = 2; });
  std::atomic<std::thread::id> handled_by{};
  running.service.on_request("who", [&handled_by](int throws, Context& context) {
    handled_by = std::this_thread::get_id();
    if (throws) asio::post(context.executor(), [] { throw std::runtime_error("a host's own work failed"); });
    return 1;
  });
  running.run();
  // A connection for the other loop: the system deals them out.
  std::vector<std::unique_ptr<Client>> clients;
  for (;;) {
    clients.push_back(std::make_unique<Client>(loop.get_executor(), running.url()));
    (void)run_until(loop, clients.back()->request<int>("who", 0));
    if (handled_by.load() != running.thread.load()) break;
  }
  clients.back()->request<int>("who", 1, [](const Result<int>&) {});
  std::string thrown;
  meanwhile(loop, [&] {
    try {
      (void)running.status();
    } catch (const std::exception& exception) {
      thrown = exception.what();
    }
  });
  EXPECT_EQ(thrown, "a host's own work failed");
  for (const auto& client : clients) client->close();
  run_ready(loop);
}

TEST_F(ServiceLife, ASecondSignalEndsALongDrainAtOnce) {
  RunningService running([](Config& config) { config.drain_timeout = std::chrono::hours(1); });
  Gate gate;
  running.service.on_request("held", [&gate](int) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return 1;
  });
  running.run();
  Client client(loop.get_executor(), running.url());
  client.request<int>("held", 1, [](const Result<int>&) {});
  ASSERT_TRUE(eventually(loop, [&] { return gate.arrived == 1; }));
  ASSERT_EQ(std::raise(SIGINT), 0);
  ASSERT_EQ(std::raise(SIGINT), 0);
  int status = -1;
  meanwhile(loop, [&] { status = running.status(); });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(running.log.contains("1 abandoned"));
  client.close();
  run_ready(loop);
}

TEST_F(ServiceLife, StatsMayBeAskedForDuringTheStart) {
  RunningService running;
  std::atomic<bool> is_done{false};
  std::thread asking([&] {
    while (!is_done) (void)running.service.stats();
  });
  running.run();
  is_done = true;
  asking.join();
}

TEST_F(ServiceLife, DestroyingItDoesNotWaitForWhatHandlersOfItsPoolWaitFor) {
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = witness;
  std::atomic<int> waiting{0};
  {
    RunningService running([](Config& config) {
      config.handler_threads = 4;
      config.drain_timeout = std::chrono::milliseconds(1);
    });
    running.service.on_request("long", [&waiting, held = std::move(witness)](int) -> asio::awaitable<int> {
      asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
      ++waiting;
      co_await timer.async_wait(asio::use_awaitable);
      co_return *held;
    });
    running.service.on_request("rows", [&waiting](int) -> Stream<int> {
      const auto wait = []() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
        co_await timer.async_wait(asio::use_awaitable);
      };
      co_yield 1;
      ++waiting;
      co_await wait();
    });
    running.run();
    Client client(loop.get_executor(), running.url());
    client.request<int>("long", 1, [](const Result<int>&) {});
    auto rows = client.stream<int>("rows", 1);
    ASSERT_TRUE(eventually(loop, [&] { return waiting == 2; }));
    running.service.stop();
    meanwhile(loop, [&] { EXPECT_EQ(running.status(), 0); });
    client.close();
    run_ready(loop);
  }
  EXPECT_TRUE(watched.expired());
}

TEST_F(ServiceLife, ASecondServiceOnThePortOfSeveralThreadsIsRefused) {
  RunningService first([](Config& config) { config.threads = 2; });
  first.service.on_request("who", [] { return 1; });
  first.run();
  for (const unsigned threads : {1u, 2u}) {
    Config config = Config::listen({first.url() + "?startup=fail_fast"});
    config.threads = threads;
    Service second(std::move(config));
    LogCapture log;
    second.log_to(log.sink());
    EXPECT_EQ(second.run(), 1);
    EXPECT_TRUE(log.contains("another program listens on that port"));
  }
}

class ServiceEnds : public ServiceRig {};

TEST_P(ServiceEnds, WhileAHandlerWaits) {
  Gate gate;
  service->on_event("held", [&gate](int) -> asio::awaitable<void> {
    co_await gate.pass();
    throw Error("E1", "failed after all");
  });
  start();
  Client& client = connect();
  run_until(loop, client.emit("held", 1));
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 1; }));
  service->close();
  run_ready(loop);
  service.reset();
  gate.open();
  run_ready(loop);  // what the transport can do is asked for after the service has gone
  client.close();
}

TEST_P(ServiceEnds, WithStateOfItsHandlersOnOneStrand) {
  service->on_request("sum", [](int turns, Context& context) -> asio::awaitable<int> {
    using asio::experimental::awaitable_operators::operator&&;
    int sum = 0;  // no atomic: what a handler starts on its executor never runs twice at once
    const auto add = [](int times, int& to) -> asio::awaitable<void> {
      for (int i = 0; i < times; ++i) {
        co_await turn();
        ++to;
      }
    };
    std::optional<asio::steady_timer> timer(std::in_place, context.executor(), std::chrono::milliseconds(1));
    timer->async_wait([&sum](std::error_code) { ++sum; });
    co_await (add(turns, sum) && add(turns, sum));
    while (sum <= 2 * turns) co_await turn();
    co_return sum;
  });
  start();
  Client& client = connect();
  int right = 0, ended = 0;
  for (int i = 0; i < 50; ++i) {
    client.request<int>("sum", 100, [&](Result<int> answer) {
      right += answer && *answer == 201 ? 1 : 0;
      ++ended;
    });
  }
  ASSERT_TRUE(wait_until([&] { return ended == 50; }));
  EXPECT_EQ(right, 50);
}

TEST_P(ServiceEnds, ADrainThatNobodyWaitsForAnyMore) {
  using asio::experimental::awaitable_operators::operator||;
  Gate gate;
  service->on_request("held", [&gate](int value) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return value;
  });
  start();
  Client& client = connect();
  std::optional<Result<int>> answer;
  client.request<int>("held", 3, [&](Result<int> result) { answer.emplace(std::move(result)); });
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 1; }));
  const auto wait_or_leave = [&]() -> asio::awaitable<std::size_t> {
    asio::steady_timer timer(loop, std::chrono::milliseconds(1));
    auto drain = service->drain(std::chrono::hours(1));
    auto leave = waybill::detail::wait_quietly(timer);
    const auto first = co_await (std::move(drain) || std::move(leave));
    co_return first.index();
  };
  EXPECT_EQ(run_until(loop, wait_or_leave()), 1u);
  EXPECT_FALSE(answer) << "it goes on draining";
  gate.open();
  ASSERT_TRUE(wait_until([&] { return answer.has_value(); }));
  EXPECT_TRUE(*answer);
}

INSTANTIATE_TEST_SUITE_P(All, ServiceEnds, all_grounds(), name_of_ground);

TEST_F(ServiceLife, AStartThatNobodyWaitsForAnyMore) {
  using asio::experimental::awaitable_operators::operator||;
  const asio::ip::tcp::acceptor taken(loop, {asio::ip::address_v4::loopback(), 0});
  LogCapture log;
  Service service(loop.get_executor(),
                  Config::listen({"tcp://127.0.0.1:" + std::to_string(taken.local_endpoint().port())}));
  service.log_to(log.sink());
  const auto start_or_leave = [&]() -> asio::awaitable<std::size_t> {
    asio::steady_timer timer(loop, std::chrono::milliseconds(1));
    auto start = service.start();
    auto leave = waybill::detail::wait_quietly(timer);
    const auto first = co_await (std::move(start) || std::move(leave));
    co_return first.index();
  };
  EXPECT_EQ(run_until(loop, start_or_leave()), 1u);
  if (loop.stopped()) loop.restart();
  loop.run();  // ends: nothing goes on trying
}

}  // namespace
}  // namespace waybill::test
