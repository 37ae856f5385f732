// circuit_breaker: what calls and handlers see of it.
#include "service_rig.hpp"
#include "support/scripted_transport.hpp"

#include <asio/bind_cancellation_slot.hpp>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;
using Options = middleware::CircuitBreakerOptions;

/// Opens at the first failure, for an hour.
Options touchy() {
  Options options;
  options.consecutive = 1;
  options.open = options.most_open = std::chrono::hours(1);
  return options;
}

class BrokenCalls : public testing::Test {
 protected:
  Ended<int> ask(const std::string& pattern, milliseconds timeout = milliseconds(60'000)) {
    CallOptions options;
    options.timeout = timeout;
    Ended<int> call;
    rig.run([&] { rig.client().request<int>(pattern, 1, options, call.token()); });
    return call;
  }
  ScriptedClient rig;
};

TEST_F(BrokenCalls, EndAtOnceAndSurelyNotTaken) {
  rig.client().use(middleware::circuit_breaker(touchy()));
  const Ended<int> lost = ask("sum");
  rig.script->lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return lost.count() == 1; }));
  EXPECT_EQ(lost.error().code(), errc::connection_lost);
  const std::size_t sent = rig.script->sent.size();
  const Ended<int> refused = ask("sum");
  ASSERT_EQ(refused.count(), 1u) << "nothing is waited for";
  EXPECT_EQ(refused.error().code(), errc::overloaded);
  EXPECT_EQ(refused.error().end(), End::rejected);
  EXPECT_NE(std::string(refused.error().what()).find("the circuit breaker of sum is open for another "),
            std::string::npos)
      << refused.error().what();
  EXPECT_EQ(rig.script->sent.size(), sent);
  EXPECT_EQ(rig.log.count("the circuit breaker of sum is open for 3600000 ms: 1 of 1 calls failed, the last with: "),
            1u);
}

TEST_F(BrokenCalls, AServiceThatNeverAnswersOpensIt) {
  rig.client().use(middleware::circuit_breaker(touchy()));
  const Ended<int> late = ask("sum", milliseconds(20));
  ASSERT_TRUE(eventually(rig.loop, [&] { return late.count() == 1; }));
  EXPECT_EQ(late.error().code(), errc::timeout);
  run_ready(rig.loop);
  const Ended<int> refused = ask("sum");
  ASSERT_EQ(refused.count(), 1u);
  EXPECT_EQ(refused.error().code(), errc::overloaded);
}

TEST_F(BrokenCalls, OfOnePatternLeaveOthersAlone) {
  for (const bool is_for_all : {false, true}) {
    rig.make();
    Options options = touchy();
    options.scope = is_for_all ? Options::Scope::all : Options::Scope::pattern;
    rig.client().use(middleware::circuit_breaker(options));
    const Ended<int> lost = ask("sum");
    rig.script->lose();
    ASSERT_TRUE(eventually(rig.loop, [&] { return lost.count() == 1; }));
    const Ended<int> other = ask("product");
    EXPECT_EQ(other.count(), is_for_all ? 1u : 0u);
  }
}

TEST_F(BrokenCalls, ACancelledCallSaysNothing) {
  rig.client().use(middleware::circuit_breaker(touchy()));
  asio::cancellation_signal signal;
  Ended<int> left;
  rig.run([&] { rig.client().request<int>("sum", 1, asio::bind_cancellation_slot(signal.slot(), left.token())); });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(left.count(), 1u);
  const Ended<int> next = ask("sum");
  rig.script->reply(1, "7");
  ASSERT_TRUE(eventually(rig.loop, [&] { return next.count() == 1; }));
  EXPECT_TRUE(*next);
}

TEST_F(BrokenCalls, APatternThatIsOneTooManySharesACircuitOrTakesAnIdleOnes) {
  Options options = touchy();
  options.max_patterns = 1;
  rig.client().use(middleware::circuit_breaker(options));
  const Ended<int> good = ask("idle");
  rig.script->reply(0, "7");
  ASSERT_TRUE(eventually(rig.loop, [&] { return good.count() == 1; }));
  const Ended<int> first = ask("first");
  rig.script->lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return first.count() == 1; }));
  EXPECT_EQ(ask("first").count(), 1u) << "it took the place of the idle one, and is open";
  const Ended<int> second = ask("second");
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.script->sent.size() == 3; }));
  rig.script->lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return second.count() == 1; }));
  const Ended<int> third = ask("third");
  ASSERT_EQ(third.count(), 1u);
  EXPECT_NE(std::string(third.error().what()).find("of other patterns"), std::string::npos) << third.error().what();
  EXPECT_EQ(ask("first").count(), 1u) << "one that is open is not forgotten";
}

class BrokenHandlers : public ServiceRig {
 protected:
  std::optional<Error> ask(Client& client, const std::string& pattern, int body) {
    std::optional<Result<int>> answer;
    client.request<int>(pattern, body, [&answer](Result<int> result) { answer.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
    if (!answer || *answer) return std::nullopt;
    return answer->error();
  }
};

TEST_P(BrokenHandlers, AreLeftAloneAndTheirCallersKnowThatNothingWasTaken) {
  service->use(middleware::circuit_breaker(touchy()));
  std::atomic<int> handled{0};
  service->on_request("work", [&](int what) -> asio::awaitable<int> {
    ++handled;
    co_await turn();
    if (what == 1) throw Error("E1", "the caller's mistake");
    if (what == 2) throw std::runtime_error("the database is gone");
    co_return what;
  });
  start();
  Client& client = connect();
  EXPECT_EQ(ask(client, "work", 1)->name(), "E1");
  EXPECT_FALSE(ask(client, "work", 0)) << "an answer is a success, whatever it says";
  EXPECT_TRUE(ask(client, "work", 2));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));  // what is behind next() may run when the answer is on its way
  const auto refused = ask(client, "work", 0);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), errc::overloaded) << refused->what();
  EXPECT_EQ(refused->end(), End::rejected);
  EXPECT_NE(std::string(refused->what()).find("the circuit breaker of work is open for another "), std::string::npos)
      << refused->what();
  EXPECT_EQ(std::string(refused->what()).find("database"), std::string::npos);
  EXPECT_EQ(handled, 3);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(BrokenHandlers, AreTriedAgainAndServeOn) {
  Options options = touchy();
  options.open = options.most_open = milliseconds(1);
  service->use(middleware::circuit_breaker(options));
  std::atomic<bool> is_broken{true};
  service->on_request("rows", [&](int count) -> Stream<int> {
    if (is_broken) throw std::runtime_error("the database is gone");
    for (int i = 0; i < count; ++i) {
      co_yield i;
      co_await turn();
    }
  });
  start();
  Client& client = connect();
  EXPECT_TRUE(ask(client, "rows", 1));
  is_broken = false;
  const auto is_served = [&] {
    const auto all = read(client, "rows", 3);
    return wait_for(all) && !all->error && all->values.size() == 3;
  };
  EXPECT_TRUE(wait_until(is_served));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_TRUE(log.contains("the circuit breaker of rows is closed again"));
}

/// A handler that calls another service which refuses: its own caller must not think that nothing was done.
TEST_P(BrokenHandlers, WhatAHandlerPassesOnWasTaken) {
  service->on_request("relay", [](int) -> asio::awaitable<int> {
    co_await turn();
    throw Error(errc::overloaded, "the circuit breaker of sum is open", End::rejected);
  });
  service->on_request("relay now", [](int) -> int {
    throw Error(errc::overloaded, "the circuit breaker of sum is open", End::rejected);
  });
  start();
  Client& client = connect();
  for (const char* pattern : {"relay", "relay now"}) {
    const auto error = ask(client, pattern, 0);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->end(), End::unknown) << error->what();
  }
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

INSTANTIATE_TEST_SUITE_P(All, BrokenHandlers, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
