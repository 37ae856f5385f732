// Middleware around handlers: what a caller gets, in memory and over a socket, on the loop and on a pool.
#include "service_rig.hpp"

namespace waybill::test {
namespace {

using Outcome = asio::awaitable<Result<void>>;

/// The answer to one request, or its error.
struct Answer {
  std::optional<Result<int>> result;
  bool has_value(int value) const { return result && *result && **result == value; }
  std::string error() const { return result && !*result ? result->error().what() : std::string(); }
};

class MiddlewareTest : public ServiceRig {
 protected:
  Answer ask(Client& client, const std::string& pattern, int body = 0) {
    Answer answer;
    client.request<int>(pattern, body, [&answer](Result<int> result) { answer.result.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.result.has_value(); }));
    return answer;
  }
  std::size_t errors_logged() const {
    std::size_t count = 0;
    for (const auto& line : log.lines()) count += line.level == LogLevel::error ? 1 : 0;
    return count;
  }
};

TEST_P(MiddlewareTest, RunsOutermostFirst) {
  std::mutex mutex;
  std::string order;
  const auto step = [&](std::string name) {
    return Middleware{name, [&, name](Context&, Next next) -> Outcome {
                        {
                          const std::lock_guard lock(mutex);
                          order += name;
                        }
                        Result<void> outcome = co_await next();
                        const std::lock_guard lock(mutex);
                        order += name;
                        co_return outcome;
                      }};
  };
  service->use(step("a")).use(step("b"));
  service->on_request("double", [](int value) { return 2 * value; });
  start();
  EXPECT_TRUE(ask(connect(), "double", 21).has_value(42));
  const auto is_through = [&] {  // what is behind next() may run when the answer is on its way
    const std::lock_guard lock(mutex);
    return order.size() == 4;
  };
  EXPECT_TRUE(wait_until(is_through));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(order, "abba");
}

TEST_P(MiddlewareTest, SeesTheMessageAndItsOutcome) {
  std::atomic<int> requests{0}, failures{0};
  service->use({"count", [&](Context& context, Next next) -> Outcome {
                  requests += context.is_request() && context.side() == Context::Side::service ? 1 : 0;
                  const int body = context.payload().decode<int>();
                  Result<void> outcome = co_await next();
                  failures += !outcome && body < 0 ? 1 : 0;
                  co_return outcome;
                }});
  service->on_request("root", [](int value) -> asio::awaitable<int> {
    co_await turn();
    if (value < 0) throw Error("negative", "no root");
    co_return 1;
  });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "root", 4).has_value(1));
  EXPECT_EQ(ask(client, "root", -4).error(), "negative: no root");
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(failures, 1);
}

TEST_P(MiddlewareTest, MayRefuse) {
  std::atomic<int> handled{0};
  service->use({"guard", [](Context& context, Next next) -> Outcome {
                  if (context.payload().decode<int>() < 0) co_return Error("E403", "not you");
                  co_return co_await next();
                }});
  service->on_request("enter", [&](int value) { return ++handled, value; });
  start();
  Client& client = connect();
  EXPECT_EQ(ask(client, "enter", -1).error(), "E403: not you");
  EXPECT_TRUE(ask(client, "enter", 1).has_value(1));
  EXPECT_EQ(handled, 1);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, ThatThrowsAnswersAnError) {
  service->use({"broken", [](Context&, Next) -> Outcome {
                  co_await turn();
                  throw std::runtime_error("the audit log is full");
                }});
  service->on_request("double", [](int value) { return 2 * value; });
  start();
  EXPECT_NE(ask(connect(), "double", 1).error().find("Internal server error"), std::string::npos);
  EXPECT_TRUE(log.contains("the audit log is full"));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, RunsAroundEventsToo) {
  std::atomic<int> seen{0}, handled{0};
  service->use({"count", [&](Context& context, Next next) -> Outcome {
                  seen += context.is_request() ? 0 : 1;
                  co_return co_await next();
                }});
  service->on_event("tick", [&](int) { ++handled; });
  service->on_event("tick", [&](int) -> asio::awaitable<void> {
    co_await turn();
    ++handled;
  });
  start();
  run_until(loop, connect().emit("tick", 1));
  EXPECT_TRUE(wait_until([&] { return handled == 2; }));
  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, TimeoutEndsWhatTakesLonger) {
  Gate gate;
  service->use(middleware::timeout(std::chrono::milliseconds(20)));
  service->on_request("held", [&](int value) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return value;
  });
  service->on_request("quick", [](int value) -> asio::awaitable<int> {
    co_await turn();
    co_return value;
  });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "quick", 7).has_value(7));
  EXPECT_NE(ask(client, "held").error().find("not done within 20 ms"), std::string::npos);
  EXPECT_EQ(gate.cancelled, 1);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(errors_logged(), 0u) << "a handler that was cancelled has not failed";
}

TEST_P(MiddlewareTest, TheLongestTimeoutIsNoneAtAll) {
  service->use(middleware::timeout(std::chrono::milliseconds::max()));
  service->on_request("double", [](int number) -> asio::awaitable<int> { co_return 2 * co_await turn_with(number); });
  start();
  Client& client = connect();
  client.use(middleware::timeout(std::chrono::milliseconds::max()));
  EXPECT_EQ(run_until(loop, client.request<int>("double", 21)), 42);
  Timer timer(loop.get_executor(), std::chrono::hours::max());
  EXPECT_EQ(timer.expiry(), Timer::TimePoint::max());
}

TEST_P(MiddlewareTest, TimeoutOfManyHandlersAtOnce) {
  service->use(middleware::timeout(std::chrono::milliseconds(1)));
  service->on_request("spin", [](int turns, Context& context) -> asio::awaitable<int> {
    const auto executor = context.executor();
    for (int i = 0; i < turns; ++i) co_await asio::post(executor, asio::use_awaitable);
    co_return turns;
  });
  start();
  Client& client = connect();
  int good = 0, late = 0, other = 0;
  const int total = 600;
  int sent = 0;
  std::function<void()> next = [&] {
    const int turns = 10 + 7 * (sent++ % 40);
    client.request<int>("spin", turns, [&, turns](Result<int> answer) {
      if (answer && *answer == turns) {
        ++good;
      } else if (!answer && std::string(answer.error().what()).find("not done within") != std::string::npos) {
        ++late;
      } else {
        ++other;
      }
      if (sent < total) next();
    });
  };
  for (int i = 0; i < 16; ++i) next();
  ASSERT_TRUE(wait_until([&] { return good + late + other == sent && sent >= total; }));
  EXPECT_EQ(other, 0);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, TimeoutEndsAStreamThatWaits) {
  Gate gate;
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = witness;
  service->use(middleware::timeout(std::chrono::milliseconds(50)));
  service->on_request("rows", [&, held = std::move(witness)](int) -> Stream<int> {
    const std::shared_ptr<int> mine = held;
    co_yield 0;
    co_await turn();
    co_yield 1;
    co_await gate.pass();
    co_yield *mine;
  });
  start();
  const auto all = read(connect(), "rows");
  ASSERT_TRUE(wait_for(all));
  EXPECT_EQ(all->values, (std::vector<int>{0, 1}));
  ASSERT_TRUE(all->error);
  EXPECT_NE(std::string(all->error->what()).find("not done within"), std::string::npos) << all->error->what();
  EXPECT_TRUE(wait_until([&] { return is_idle() && watched.use_count() == 1; })) << "its frame is gone";
}

TEST_P(MiddlewareTest, RetryTriesAgainWhatCanPass) {
  std::atomic<int> tries{0};
  middleware::RetryOptions options;
  options.attempts = 3;
  options.first = options.most = std::chrono::milliseconds(1);
  service->use(middleware::retry(options));
  service->on_request("flaky", [&](int good_at) -> asio::awaitable<int> {
    co_await turn();
    const int now = ++tries;
    if (now < good_at) throw Error(errc::overloaded, "not yet", End::rejected);
    co_return now;
  });
  service->on_request("broken", [&](int) -> int {
    ++tries;
    throw Error(errc::payload_mismatch, "never", End::rejected);
  });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "flaky", 3).has_value(3));
  tries = 0;
  EXPECT_FALSE(ask(client, "flaky", 9).error().empty());
  EXPECT_EQ(tries, 3);
  tries = 0;
  EXPECT_FALSE(ask(client, "broken").error().empty());
  EXPECT_EQ(tries, 1);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, RetryRepeatsNoValuesOfAStream) {
  std::atomic<int> runs{0};
  middleware::RetryOptions options;
  options.first = options.most = std::chrono::milliseconds(1);
  options.when = [](const Error&) { return true; };
  service->use(middleware::retry(options));
  service->on_request("rows", [&](int fails_after) -> Stream<int> {
    const int run = ++runs;
    for (int i = 0; i < 3; ++i) {
      if (i == fails_after && run < 3) throw Error(errc::overloaded, "the database has gone", End::rejected);
      co_yield i;
      co_await turn();
    }
  });
  start();
  Client& client = connect();
  const auto begun = read(client, "rows", 2);
  ASSERT_TRUE(wait_for(begun));
  EXPECT_EQ(begun->values, (std::vector<int>{0, 1}));
  EXPECT_TRUE(begun->error);
  EXPECT_EQ(runs, 1);
  runs = 0;
  const auto not_begun = read(client, "rows", 0);
  ASSERT_TRUE(wait_for(not_begun));
  EXPECT_EQ(not_begun->values, (std::vector<int>{0, 1, 2})) << "nothing was sent: it may begin again";
  EXPECT_EQ(runs, 3);
}

TEST_P(MiddlewareTest, NextAfterAnAnswerDoesNotAnswerAgain) {
  std::atomic<int> handled{0};
  service->use({"twice", [](Context&, Next next) -> Outcome {
                  Result<void> first = co_await next();
                  Result<void> second = co_await next();
                  co_return second ? first : second;
                }});
  service->on_request("once", [&](int value) { return ++handled, value; });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "once", 5).has_value(5));
  EXPECT_TRUE(ask(client, "once", 6).has_value(6));
  EXPECT_EQ(handled, 2);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(MiddlewareTest, LogWritesOneLineForEachMessage) {
  service->use(middleware::log());
  service->on_request("double", [](int value) {
    if (value < 0) throw Error("E1", "negative");
    return 2 * value;
  });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "double", 1).has_value(2));
  EXPECT_FALSE(ask(client, "double", -1).error().empty());
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(log.count("request double ok in "), 1u);
  EXPECT_EQ(log.count("request double failed: E1: negative in "), 1u);
}

TEST_P(MiddlewareTest, AllOfThemAroundStreams) {
  service->use(middleware::log(LogLevel::debug)).use(middleware::timeout(std::chrono::seconds(30)));
  service->use(middleware::retry());
  service->on_request("rows", [](int count) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      co_await turn();
      co_await turn();
      co_yield i;
    }
  });
  start();
  Client& client = connect();
  std::vector<std::shared_ptr<Read>> all;
  for (int i = 0; i < 20; ++i) all.push_back(read(client, "rows", 100));
  for (const auto& one : all) {
    ASSERT_TRUE(wait_for(one));
    EXPECT_FALSE(one->error) << one->error->what();
    EXPECT_EQ(one->values.size(), 100u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, MiddlewareTest, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
