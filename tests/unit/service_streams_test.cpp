// Handlers that answer with a Stream<T>: what they wait for, and what becomes of them when nobody waits for them.
#include "service_rig.hpp"

#include <algorithm>
#include <numeric>

namespace waybill::test {
namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

using namespace std::chrono_literals;

class ServiceStreams : public ServiceRig {};

TEST_P(ServiceStreams, AwaitTwiceBeforeTheyYield) {
  service->on_request("rows", [](int) -> Stream<int> {
    co_await turn();
    co_await turn();
    co_yield 0;
    co_await turn();
    co_await turn();
    co_await turn();
    co_yield 1;
    co_yield 2;
    co_await turn();
    co_await turn();
  });
  start();
  const auto all = read(connect(), "rows");
  ASSERT_TRUE(wait_for(all));
  EXPECT_FALSE(all->error) << all->error->what();
  EXPECT_EQ(all->values, numbers(3));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(ServiceStreams, AwaitTimersBetweenManyValues) {
  service->on_request("rows", [](int count, Context& context) -> Stream<int> {
    asio::steady_timer timer(context.executor());
    for (int i = 0; i < count; ++i) {
      for (int again = 0; again < i % 4; ++again) {
        timer.expires_after(std::chrono::microseconds(50));
        co_await timer.async_wait(asio::use_awaitable);
      }
      co_yield i;
    }
  });
  start();
  const auto all = read(connect(), "rows", 300);
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, numbers(300));
}

TEST_P(ServiceStreams, AskForTheirExecutorAsOtherCoroutinesDo) {
  service->on_request("rows", [](int count, Context& context) -> Stream<int> {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::microseconds(50));
    co_await timer.async_wait(asio::use_awaitable);
    for (int i = 0; i < count; ++i) co_yield timer.get_executor() == context.executor() ? i : -1;
  });
  start();
  const auto all = read(connect(), "rows", 3);
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, numbers(3));
}

TEST_P(ServiceStreams, AwaitAHundredThousandThingsThatAreThere) {
  service->on_request("rows", [](int) -> Stream<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) {
      sum += co_await []() -> asio::awaitable<int> { co_return 1; }();
    }
    co_yield sum;
  });
  start();
  const auto all = read(connect(), "rows");
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, std::vector<int>{100'000});
}

TEST_P(ServiceStreams, HaveWhatTheyAwaited) {
  service->on_request("rows", [](int count) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      const int got = co_await turn_with(i);
      co_yield got;
    }
  });
  start();
  const auto all = read(connect(), "rows", 20);
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, numbers(20));
}

TEST_P(ServiceStreams, CatchWhatTheyAwaitedInVain) {
  service->on_request("rows", [](int) -> Stream<int> {
    const auto fail = []() -> asio::awaitable<int> {
      co_await turn();
      throw Error("E1", "not today");
    };
    int caught = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await fail();
      } catch (const Error& error) {
        caught += error.name() == "E1" ? 1 : 0;
      }
      co_yield i;
    }
    if (caught != 3) throw Error("E2", "not caught");
  });
  start();
  const auto all = read(connect(), "rows");
  ASSERT_TRUE(wait_for(all));
  EXPECT_FALSE(all->error) << all->error->what();
  EXPECT_EQ(all->values, numbers(3));
}

TEST_P(ServiceStreams, TellWhatTheyThrowBehindTheirValues) {
  service->on_request("rows", [](int count) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      co_yield i;
      co_await turn();
      co_await turn();
    }
    throw Error("E7", "no more");
  });
  start();
  Client& client = connect();
  for (const int count : {0, 1, 5}) {
    const auto all = read(client, "rows", count);
    ASSERT_TRUE(wait_for(all)) << count;
    EXPECT_EQ(all->values, numbers(count));
    ASSERT_TRUE(all->error) << count;
    EXPECT_EQ(all->error->name(), "E7");
  }
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(ServiceStreams, RunSideBySide) {
  service->on_request("rows", [](int count, Context& context) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      const auto work = [](asio::any_io_executor executor) -> asio::awaitable<void> {
        co_await asio::post(executor, asio::use_awaitable);
      };
      co_await work(context.executor());
      co_yield i;
    }
  });
  start();
  Client& client = connect();
  for (int round = 0; round < 10; ++round) {
    std::vector<std::shared_ptr<Read>> all;
    for (int i = 0; i < 8; ++i) all.push_back(read(client, "rows", 200));
    for (const auto& one : all) {
      ASSERT_TRUE(wait_for(one));
      ASSERT_FALSE(one->error) << one->error->what();
      ASSERT_EQ(one->values, numbers(200));
    }
  }
}

/// Counts itself, and touches what a stream refers to when it goes.
struct Witness {
  Witness(std::atomic<int>& count, const std::string& sees, Context& context) : alive(count), text(sees), its(context) {
    ++alive;
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() {
    if (text == "a name that is too long for a small string" && its.pattern() == "rows") --alive;
  }
  std::atomic<int>& alive;
  const std::string& text;
  Context& its;
};

/// Its coroutine refers to the argument, as coroutines do.
asio::awaitable<void> wait_with(const std::string& name, Context& context, Gate& gate, std::atomic<int>& alive) {
  const Witness witness(alive, name, context);
  co_await gate.pass();
}

TEST_P(ServiceStreams, WhoseCallerLeavesEndWhereverTheyWait) {
  std::atomic<int> alive{0};
  std::vector<std::unique_ptr<Gate>> gates;
  for (int i = 0; i < 4; ++i) gates.push_back(std::make_unique<Gate>());
  const std::string name = "a name that is too long for a small string";
  service->on_request("rows",
                      [&gates, &alive, captured = name](const std::string& argument, Context& context) -> Stream<int> {
                        const Witness witness(alive, argument, context);
                        co_await wait_with(captured, context, *gates[0], alive);
                        co_await wait_with(argument, context, *gates[1], alive);
                        co_yield 1;
                        co_await wait_with(argument, context, *gates[2], alive);
                        co_yield 2;
                        co_await wait_with(captured, context, *gates[3], alive);
                      });
  start();
  for (std::size_t place = 0; place < gates.size(); ++place) {
    if (place > 0) gates[place - 1]->open();
    auto client = std::make_unique<Client>(loop.get_executor(), ClientConfig::from_url(address()));
    auto rows = client->stream<int>("rows", name);
    ASSERT_TRUE(wait_until([&] { return gates[place]->arrived > 0; })) << place;
    EXPECT_EQ(service->stats().in_flight, 1u);
    client->close();
    client.reset();
    EXPECT_TRUE(wait_until([this] { return is_idle(); })) << place;
    EXPECT_EQ(gates[place]->cancelled, 1) << place;
    EXPECT_EQ(alive, 0) << place;
  }
  EXPECT_EQ(service->stats().failed, 0u);
}

TEST_P(ServiceStreams, ThatCannotBeCancelledCountAsInFlight) {
  std::atomic<int> alive{0};
  std::atomic<bool> has_seen_it{false};
  Gate gate;
  const std::string name = "a name that is too long for a small string";
  service->on_request("rows", [&](const std::string& argument, Context& context) -> Stream<int> {
    const auto stubborn = [&](const std::string& its, Context& in) -> asio::awaitable<void> {
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      const Witness witness(alive, its, in);
      while (in.is_caller_connected()) co_await turn();
      has_seen_it = true;
      co_await gate.pass();
    };
    co_await stubborn(argument, context);
    co_yield 1;
  });
  start();
  auto client = std::make_unique<Client>(loop.get_executor(), ClientConfig::from_url(address()));
  auto rows = client->stream<int>("rows", name);
  ASSERT_TRUE(wait_until([&] { return alive == 1; }));
  client->close();
  client.reset();
  ASSERT_TRUE(wait_until([&] { return has_seen_it && gate.arrived == 1; }));
  EXPECT_FALSE(is_idle());
  gate.open();
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(alive, 0);
}

TEST_P(ServiceStreams, ThatNeverEndDoNotHoldUpAServiceThatStopsAndTheirCallersAreTold) {
  Gate gate;
  Gate outlives_them;
  service->on_request("ticks", [](int, Context& context) -> Stream<int> {
    Timer timer(context.executor());
    for (int i = 0;; ++i) {
      timer.expires_after(1ms);
      co_await timer.async_wait();
      co_yield i;
    }
  });
  service->on_request("restless", [](int, Context& context) -> Stream<int> {
    Timer timer(context.executor());
    for (int i = 0;; ++i) {
      co_yield i;
      if (i % 10) continue;
      timer.expires_after(1ms);
      co_await timer.async_wait();
    }
  });
  service->on_request("waits", [&gate](int) -> Stream<int> {
    co_yield 0;
    co_await gate.pass();
  });
  service->on_request("slow", [&outlives_them](int number) -> asio::awaitable<int> {
    co_await outlives_them.pass();
    co_return number;
  });
  start();
  Client& client = connect();
  const std::shared_ptr<Read> streams[] = {read(client, "ticks"), read(client, "waits"), read(connect(), "restless")};
  std::optional<Result<int>> slow;
  client.request<int>("slow", 7, [&](const Result<int>& outcome) { slow = outcome; });
  ASSERT_TRUE(wait_until([&] {
    const auto has_begun = [](const auto& one) { return !one->values.empty(); };
    return gate.arrived == 1 && outlives_them.arrived == 1 && service->stats().in_flight == 4 &&
           std::all_of(std::begin(streams), std::end(streams), has_begun);
  }));
  std::optional<DrainReport> report;
  service->drain(20s, [&report](const Result<DrainReport>& outcome) { report = *outcome; });
  for (const auto& stream : streams) {
    ASSERT_TRUE(wait_for(stream));
    ASSERT_TRUE(stream->error);
    EXPECT_EQ(stream->error->name(), "closed") << stream->error->what();
    EXPECT_FALSE(stream->error->is_retryable()) << "its caller has values already";
    for (std::size_t i = 0; i < stream->values.size(); ++i) ASSERT_EQ(stream->values[i], static_cast<int>(i));
  }
  EXPECT_FALSE(report || slow);
  outlives_them.open();
  ASSERT_TRUE(wait_until([&] { return report && slow; }));
  EXPECT_EQ(report->abandoned, 0u);
  EXPECT_EQ(report->finished, 1u);
  EXPECT_EQ(report->ended, 3u) << "those that the drain ended have not finished";
  ASSERT_TRUE(*slow) << "what is no stream has all of the time";
  EXPECT_EQ(**slow, 7);
}

TEST_P(ServiceStreams, OfAServiceThatHasNoTimeEndWithItsLink) {
  Gate gate;
  service->on_request("waits", [&gate](int) -> Stream<int> {
    co_yield 0;
    co_await gate.pass();
  });
  start();
  const auto stream = read(connect(), "waits");
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 1 && !stream->values.empty(); }));
  EXPECT_EQ(run_until(loop, service->drain(500ms)).abandoned, 1u);
  ASSERT_TRUE(wait_for(stream));
  ASSERT_TRUE(stream->error);
  EXPECT_NE(stream->error->name(), "closed") << "nobody had the time to tell it";
}

TEST_P(ServiceStreams, ThatAreAbandonedGoWithTheirService) {
  Gate gate;
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = witness;
  service->on_request("rows", [held = std::move(witness), &gate](int) -> Stream<int> {
    const auto wait = [](const std::shared_ptr<int>& its, Gate& at) -> asio::awaitable<void> {
      co_await at.pass();
      ++*its;
    };
    co_yield 1;
    co_await wait(held, gate);
    co_await wait(held, gate);
    co_yield *held;
  });
  start();
  Client& client = connect();
  auto rows = client.stream<int>("rows", 1);
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 1; }));
  const DrainReport report = run_until(loop, service->drain(std::chrono::milliseconds(1)));
  EXPECT_EQ(report.abandoned, 1u);
  service.reset();  // the handler's captures are needed until it has ended
  EXPECT_TRUE(GetParam().handler_threads > 0 || !watched.expired());
  client.close();
  EXPECT_TRUE(wait_until([&] { return watched.expired(); }));
}

TEST_P(ServiceStreams, ThatWaitGoWithTheirLoop) {
  Gate gate;
  std::atomic<int> alive{0};
  const std::string name = "a name that is too long for a small string";
  auto its_loop = std::make_unique<asio::io_context>(1);
  Config config = Config::listen({GetParam().url});
  config.handler_threads = GetParam().handler_threads;
  auto other = std::make_unique<Service>(its_loop->get_executor(), std::move(config));
  other->log_to(log.sink());
  other->on_request("rows", [&](const std::string& argument, Context& context) -> Stream<int> {
    const Witness witness(alive, argument, context);
    co_yield 1;
    co_await wait_with(argument, context, gate, alive);
  });
  run_until(*its_loop, other->start());
  auto client = std::make_unique<Client>(its_loop->get_executor(), ClientConfig::from_url(other->addresses().front()));
  auto rows = std::make_unique<ReplyStream<int>>(client->stream<int>("rows", name));
  ASSERT_TRUE(eventually(*its_loop, [&] { return gate.arrived == 1; }));
  EXPECT_EQ(alive, 2);
  rows.reset();
  client.reset();
  other.reset();
  its_loop.reset();
  EXPECT_EQ(alive, 0);
}

TEST_P(ServiceStreams, WhoseCallerWantsOneValueEnd) {
  std::weak_ptr<int> watched;
  service->on_request("endless", [&watched](int) -> Stream<int> {
    const auto held = std::make_shared<int>(0);
    watched = held;
    for (;;) co_yield ++*held;
  });
  start();
  for (const bool has_middleware : {false, true}) {
    Client& client = connect();
    if (has_middleware) client.use(middleware::retry());
    std::optional<Result<int>> answer;
    client.request<int>("endless", 0, [&answer](Result<int> result) { answer.emplace(std::move(result)); });
    ASSERT_TRUE(wait_until([&] { return answer && client.stats().waiting == 0; })) << has_middleware;
    ASSERT_TRUE(*answer) << answer->error().what();
    EXPECT_EQ(**answer, 1);
    EXPECT_TRUE(wait_until([&] { return watched.expired() && is_idle(); })) << has_middleware;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ServiceStreams, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
