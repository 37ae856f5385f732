// Calls of a client through middleware: what is sent again, and that they end as others do.
#include "support/scripted_transport.hpp"
#include "waybill/middleware.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;

class Retried : public testing::Test {
 protected:
  Script& script() { return *rig.script; }
  Client& client() { return rig.client(); }
  CallOptions within(milliseconds timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
  }
  Ended<int> ask() {
    Ended<int> call;
    rig.run([&] { client().request<int>("sum", 1, call.token()); });
    return call;
  }

  void use(middleware::RetryOptions options) { client().use(middleware::retry(std::move(options))); }
  middleware::RetryOptions quick() {
    middleware::RetryOptions options;
    options.first = milliseconds(1);
    return options;
  }
  ScriptedClient rig;
};

TEST_F(Retried, WhatWasPerhapsTakenIsNotSentAgain) {
  use(quick());
  const Ended<int> call = ask();
  ASSERT_EQ(script().sent.size(), 1u);
  script().lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::connection_lost);
  EXPECT_EQ(script().sent.size(), 1u);
}

TEST_F(Retried, WhatIsIdempotentIsSentAgain) {
  for (const bool by_call : {true, false}) {
    rig.make();
    auto options = quick();
    options.idempotent = !by_call;
    use(options);
    script().sent.clear();
    CallOptions of_call;
    of_call.idempotent = by_call;
    Ended<int> call;
    rig.run([&] { client().request<int>("sum", 1, of_call, call.token()); });
    script().lose();
    ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 2; }));
    script().reply(1, "7");
    ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
    EXPECT_TRUE(*call);
    EXPECT_EQ(client().stats().requests, 1u);
    EXPECT_EQ(client().stats().waiting, 0u);
  }
}

TEST_F(Retried, WhatSurelyWasNotTakenIsSentAgain) {
  use(quick());
  const Ended<int> call = ask();
  script().sink->on_sent(script().sent[0].ticket, Error(errc::no_receiver, "nobody is subscribed", End::rejected));
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 2; }));
  script().reply(1, "7");
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_TRUE(*call);
}

TEST_F(Retried, WhatAnEarlierAttemptMayHaveDoneIsNotForgotten) {
  auto options = quick();
  options.attempts = 2;
  options.idempotent = true;
  use(options);
  const Ended<int> call = ask();
  script().lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 2; }));
  script().sink->on_sent(script().sent[1].ticket, Error(errc::no_receiver, "nobody is subscribed", End::rejected));
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::no_receiver);
  EXPECT_EQ(call.error().end(), End::unknown) << "the first attempt was perhaps taken";
}

/// A middleware that never lets a call end by itself.
Middleware hanging() {
  return {"hanging", [](Context& context, Next) -> asio::awaitable<Result<void>> {
            asio::steady_timer timer(context.executor(), std::chrono::hours(1));
            for (;;) co_await waybill::detail::wait_quietly(timer);
          }};
}

TEST_F(Retried, ACallThroughMiddlewareKeepsItsDeadline) {
  client().use(hanging());
  Ended<int> call;
  rig.run([&] { client().request<int>("sum", 1, within(milliseconds(30)), call.token()); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::timeout);
  EXPECT_EQ(call.error().end(), End::rejected) << "it was never sent";
}

TEST_F(Retried, ACallThroughMiddlewareCanBeCancelledAndClosed) {
  client().use(hanging());
  Ended<int> cancelled;
  Ended<int> closed;
  asio::cancellation_signal signal;
  rig.run([&] {
    client().request<int>("sum", 1, asio::bind_cancellation_slot(signal.slot(), cancelled.token()));
    client().request<int>("sum", 1, closed.token());
  });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(cancelled.count(), 1u);
  EXPECT_EQ(cancelled.error().code(), errc::cancelled);
  rig.run([&] { client().close(); });
  ASSERT_EQ(closed.count(), 1u);
  EXPECT_EQ(closed.error().code(), errc::closed);
}

TEST_F(Retried, TheDeadlineEndsTheBackoffAndTellsWhatFailed) {
  auto options = quick();
  options.attempts = 1'000'000;
  use(options);
  script().opens_with = Error(errc::refused, "nobody listens there", End::rejected);
  rig.run([&] { client().connect(asio::detached); });
  Ended<int> call;
  rig.run([&] { client().request<int>("sum", 1, within(milliseconds(40)), call.token()); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::refused);
  EXPECT_EQ(call.error().end(), End::rejected);
}

TEST_F(Retried, AMiddlewareThatThrowsWhateverItMayEndsItsCallAtOnce) {
  client().use({"broken", [](Context&, Next) -> asio::awaitable<Result<void>> { throw 5; }});
  Ended<int> call = ask();
  ASSERT_EQ(call.count(), 1u);
  EXPECT_EQ(call.error().code(), errc::internal);
}

TEST_F(Retried, AMiddlewareThatReturnsNoCoroutineEndsItsCall) {
  client().use({"hollow", [](Context&, Next) { return asio::awaitable<Result<void>>(); }});
  Ended<int> call = ask();
  ASSERT_EQ(call.count(), 1u);
  EXPECT_NE(call.error().message().find("hollow"), std::string::npos);
}

TEST(Next, OfNothingAndOfWhatWasMovedAwayGivesCancelled) {
  asio::io_context loop;
  std::vector<errc> codes;
  const auto call_both = [&]() -> asio::awaitable<void> {
    Next full = []() -> asio::awaitable<Result<void>> { co_return Result<void>(); };
    const Next taken = std::move(full);
    const Next nothing;
    for (const Next* next : std::initializer_list<const Next*>{&full, &nothing}) {  // NOLINT: of what was moved away
      const Result<void> outcome = co_await (*next)();
      codes.push_back(outcome ? errc{} : static_cast<errc>(outcome.error().code().value()));
    }
  };
  asio::co_spawn(loop, call_both(), asio::detached);
  loop.run();
  EXPECT_EQ(codes, (std::vector<errc>{errc::cancelled, errc::cancelled}));
}

TEST(OneMiddlewareAlone, HasAFunctionForTheRestOfTheChain) {
  int runs = 0;
  const Next rest = [&runs]() -> asio::awaitable<Result<void>> {
    ++runs;
    co_return Error(errc::cancelled, "not today", End::rejected);
  };
  asio::io_context loop;
  Result<void> outcome;
  const auto twice = [&]() -> asio::awaitable<void> {
    const Next kept = rest;
    co_await kept();
    outcome = co_await kept();
  };
  asio::co_spawn(loop, twice(), asio::detached);
  loop.run();
  EXPECT_EQ(runs, 2);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(), "not today");
}

}  // namespace
}  // namespace waybill::test
