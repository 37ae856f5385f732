// next() of middleware called when or as nobody expects it: too late, again, never.
#include "service_rig.hpp"

namespace waybill::test {
namespace {

using Outcome = asio::awaitable<Result<void>>;

class NextTest : public ServiceRig {};

TEST_P(NextTest, KeptBeyondItsMessageRunsNothingMore) {
  std::mutex mutex;
  std::optional<Next> kept;
  std::atomic<int> handled{0};
  service->use({"keeps", [&](Context&, Next next) -> Outcome {
                  {
                    const std::lock_guard lock(mutex);
                    kept = next;
                  }
                  co_return co_await next();
                }});
  service->on_event("work", [&handled] { ++handled; });
  start();
  Client& client = connect();
  client.emit("work", 1, asio::detached);
  ASSERT_TRUE(wait_until([&] { return handled == 1; }));
  ASSERT_TRUE(wait_until([this] { return is_idle(); }));
  const auto call_late = [this, &mutex, &kept] {
    std::optional<Result<void>> late;
    const auto call = [&]() -> asio::awaitable<void> {
      const Next next = [&] {
        const std::lock_guard lock(mutex);
        return *kept;
      }();
      late = co_await next();
    };
    asio::co_spawn(loop, call(), asio::detached);
    EXPECT_TRUE(wait_until([&late] { return late.has_value(); }));
    return late && !*late ? std::optional<std::error_code>(late->error().code()) : std::nullopt;
  };
  EXPECT_EQ(call_late(), make_error_code(errc::cancelled));
  service->close();
  EXPECT_EQ(call_late(), make_error_code(errc::cancelled));
  EXPECT_EQ(handled, 1);
  const std::lock_guard lock(mutex);
  kept.reset();
}

TEST_P(NextTest, NeverCalledAnswersARequestWithNothing) {
  service->use({"answers", [](Context&, Next) -> Outcome { co_return Result<void>(); }});
  service->on_request("ask", [] { return 1; });
  start();
  std::optional<Result<Payload>> answer;
  connect().request<Payload>("ask", 1, [&answer](const Result<Payload>& result) { answer.emplace(result); });
  ASSERT_TRUE(wait_until([&answer] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().what();
  EXPECT_TRUE((*answer)->empty());
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(NextTest, CalledAgainOnAClientHandsOnNoValueTwice) {
  std::atomic<int> runs{0};
  service->on_request("rows", [&runs](int count) -> Stream<int> {
    ++runs;
    for (int i = 0; i < count; ++i) {
      co_await turn();
      co_yield i;
    }
    throw Error("bad", "half way");
  });
  start();
  Client& client = connect();
  middleware::RetryOptions always;
  always.first = std::chrono::milliseconds(1);
  always.when = [](const Error&) { return true; };
  client.use(middleware::retry(always));
  const auto rows = read(client, "rows", 3);
  ASSERT_TRUE(wait_for(rows));
  EXPECT_EQ(rows->values, (std::vector<int>{0, 1, 2}));
  ASSERT_TRUE(rows->error);
  EXPECT_EQ(runs, 1);
}

INSTANTIATE_TEST_SUITE_P(All, NextTest, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
