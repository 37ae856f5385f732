// The client's engine over a scripted connection: how calls end, whatever happens to their link, and in which order.
#include "support/scripted_transport.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;

class ClientCore : public testing::Test {
 protected:
  Script& script() { return *rig.script; }
  Client& client() { return rig.client(); }
  CallOptions within(milliseconds timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
  }
  /// A request that has been given to the link.
  Ended<int> ask(const std::string& pattern = "sum") {
    Ended<int> call;
    rig.run([&] { client().request<int>(pattern, 1, call.token()); });
    return call;
  }
  static std::string text(const Error& error) { return error.what(); }
  ScriptedClient rig;
};

#define EXPECT_SAYS(error, part) EXPECT_NE(text(error).find(part), std::string::npos) << text(error)

TEST_F(ClientCore, ACallThatNeverLeftWasSurelyNotTakenAndSaysWhy) {
  script().opens_with = Error(errc::refused, "nobody listens there", End::rejected);
  Ended<int> call;
  rig.run([&] { client().request<int>("sum", 1, within(milliseconds(30)), call.token()); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::refused) << "not a timeout: the service is not slow, it is not there";
  EXPECT_EQ(call.error().end(), End::rejected);
  EXPECT_SAYS(call.error(), "\"sum\" was not sent within 30 ms");
  EXPECT_SAYS(call.error(), "nobody listens there");
  EXPECT_EQ(text(call.error()).find("secret"), std::string::npos);
}

TEST_F(ClientCore, ACallThatWaitsForASilentConnectEndsAtItsOwnDeadline) {
  script().opens_with.reset();
  Ended<int> call;
  rig.run([&] { client().request<int>("sum", 1, within(milliseconds(30)), call.token()); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::timeout) << "nobody has refused anything yet";
  EXPECT_EQ(call.error().end(), End::rejected);
  EXPECT_SAYS(call.error(), "was not sent");
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return client().status() == Status::ready; }));
  EXPECT_TRUE(script().sent.empty()) << "nobody waits for it any more";
}

TEST_F(ClientCore, CancelledOrClosedBeforeALinkIsRejected) {
  script().opens_with.reset();
  Ended<int> cancelled;
  Ended<int> closed;
  asio::cancellation_signal signal;
  rig.run([&] {
    client().request<int>("sum", 1, asio::bind_cancellation_slot(signal.slot(), cancelled.token()));
    client().request<int>("sum", 1, closed.token());
  });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  rig.run([&] { client().close(); });
  ASSERT_EQ(cancelled.count() + closed.count(), 2u);
  EXPECT_EQ(cancelled.error().code(), errc::cancelled);
  EXPECT_EQ(cancelled.error().end(), End::rejected);
  EXPECT_EQ(closed.error().code(), errc::closed);
  EXPECT_EQ(closed.error().end(), End::rejected);
}

TEST_F(ClientCore, WhatWaitedIsSentWithTheTimeThatIsLeft) {
  script().opens_with.reset();
  Ended<int> call;
  rig.run([&] { client().request<int>("sum", 1, within(milliseconds(60'000)), call.token()); });
  const auto begin = waybill::detail::coarse_now();
  ASSERT_TRUE(eventually(rig.loop, [&] { return waybill::detail::coarse_now() - begin > milliseconds(20); }));
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 1; }));
  EXPECT_LT(script().sent[0].packet.deadline, milliseconds(60'000));
  EXPECT_GT(script().sent[0].packet.deadline, milliseconds(0));
  script().reply(0, "5");
  EXPECT_EQ(call.count(), 1u);
}

TEST_F(ClientCore, ATimeoutNamesThePatternTheUrlAndTheTime) {
  Ended<int> call;
  rig.run([&] { client().request<int>("orders.sum", 1, within(milliseconds(20)), call.token()); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return call.count() == 1; }));
  EXPECT_EQ(call.error().code(), errc::timeout);
  EXPECT_EQ(call.error().end(), End::unknown);
  EXPECT_SAYS(call.error(), "no answer to \"orders.sum\" from scripted://");
  EXPECT_SAYS(call.error(), "within 20 ms");
  EXPECT_EQ(text(call.error()).find("secret"), std::string::npos);
  EXPECT_EQ(script().forgotten.size(), 1u);
  EXPECT_EQ(client().stats().timeouts, 1u);
}

TEST_F(ClientCore, ALossNamesThePatternAndTheReason) {
  const Ended<int> call = ask("orders.sum");
  script().lose("reset by peer");
  ASSERT_EQ(call.count(), 1u);
  EXPECT_EQ(call.error().code(), errc::connection_lost);
  EXPECT_EQ(call.error().end(), End::unknown);
  EXPECT_SAYS(call.error(), "\"orders.sum\": reset by peer");
  EXPECT_FALSE(call.error().is_retryable()) << "perhaps it was handled";
}

TEST_F(ClientCore, ALongPatternIsCutInErrors) {
  const Ended<int> call = ask(std::string(300, 'p'));
  script().lose();
  ASSERT_EQ(call.count(), 1u);
  EXPECT_LT(text(call.error()).size(), 250u);
  EXPECT_SAYS(call.error(), "ppp...\"");
}

TEST_F(ClientCore, ACallbackThatThrowsLeavesTheLinkAndTheOthersAlone) {
  Ended<int> second;
  rig.run([&] {
    client().request<int>("sum", 1, [](const Result<int>&) { throw std::runtime_error("a bug in a callback"); });
    client().request<int>("sum", 2, second.token());
  });
  asio::post(rig.loop, [&] {
    EXPECT_NO_THROW(script().reply(0, "1")) << "the transport's read loop must not see it";
    script().reply(1, "2");
  });
  EXPECT_THROW(run_ready(rig.loop), std::runtime_error) << "whoever runs the loop sees it";
  run_ready(rig.loop);
  ASSERT_EQ(second.count(), 1u);
  EXPECT_EQ(**second, 2);
  const Ended<int> third = ask();
  script().reply(2, "3");
  EXPECT_EQ(third.count(), 1u) << "the client goes on";
}

TEST_F(ClientCore, CloseAndLossTellEveryWaiterThoughOneThrows) {
  for (const bool closes : {true, false}) {
    rig.make();
    Ended<int> last;
    rig.run([&] {
      for (int i = 0; i < 3; ++i) {
        client().request<int>("sum", 1, [](const Result<int>&) { throw std::runtime_error("a bug"); });
      }
      client().request<int>("sum", 2, last.token());
      client().emit("x", 1, [](const Result<Accepted>&) { throw std::runtime_error("another"); });
    });
    asio::post(rig.loop, [&] { closes ? client().close() : script().lose(); });
    int thrown = 0;
    for (bool more = true; more;) {
      try {
        run_ready(rig.loop);
        more = false;
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }
    EXPECT_EQ(last.count(), 1u);
    EXPECT_EQ(thrown, 4);
    EXPECT_EQ(client().stats().waiting, 0u);
  }
}

TEST_F(ClientCore, ATransportThatThrowsWhileItSendsFailsThatCall) {
  ask();
  script().sends_that_throw = 1;
  const Ended<int> call = ask();
  ASSERT_EQ(call.count(), 1u);
  EXPECT_EQ(call.error().code(), errc::internal);
  EXPECT_EQ(client().stats().waiting, 1u);
}

TEST_F(ClientCore, ALogSinkThatThrowsDoesNoHarm) {
  const Log log([](LogLevel, std::string_view) { throw std::runtime_error("the disk is full"); });
  EXPECT_NO_THROW(log.error("something"));
}

TEST_F(ClientCore, ALossEndsARequestWhoseSlotAnEventOnceHad) {
  script().capabilities.confirms = true;
  rig.run([&] { client().connect(asio::detached); });
  {
    asio::cancellation_signal signal;
    Ended<Accepted> event;
    rig.run([&] { client().emit("x", 1, asio::bind_cancellation_slot(signal.slot(), event.token())); });
    rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
    ASSERT_EQ(event.count(), 1u) << "its caller has gone before the confirm";
  }
  const Ended<int> call = ask();
  script().lose();
  ASSERT_EQ(call.count(), 1u) << "not at its deadline";
  EXPECT_EQ(call.error().code(), errc::connection_lost);
}

TEST_F(ClientCore, RequestsWaitHereWhileTheBrokerTakesNothing) {
  script().capabilities.confirms = true;
  rig.run([&] { client().connect(asio::detached); });
  rig.run([&] { script().sink->on_blocked("low on memory"); });
  EXPECT_EQ(client().status(), Status::blocked);
  Ended<int> late;
  Ended<int> patient;
  rig.run([&] {
    client().request<int>("sum", 1, within(milliseconds(30)), late.token());
    client().request<int>("sum", 2, patient.token());
    client().emit("x", 3, asio::detached);
  });
  ASSERT_EQ(script().sent.size(), 1u) << "events go on: they are kept until they are confirmed";
  EXPECT_EQ(script().sent[0].packet.kind, PacketKind::event);
  ASSERT_TRUE(eventually(rig.loop, [&] { return late.count() == 1; }));
  EXPECT_EQ(late.error().code(), errc::overloaded);
  EXPECT_EQ(late.error().end(), End::rejected);
  EXPECT_SAYS(late.error(), "low on memory");
  EXPECT_TRUE(late.error().is_retryable());
  rig.run([&] { script().sink->on_blocked({}); });
  ASSERT_EQ(script().sent.size(), 2u) << "the late one is not worked on any more";
  script().reply(1, "7");
  ASSERT_EQ(patient.count(), 1u);
  EXPECT_EQ(**patient, 7);
}

TEST_F(ClientCore, ALinkThatIsLostWhileItIsBlockedKeepsWhatWaits) {
  rig.run([&] { client().connect(asio::detached); });
  rig.run([&] { script().sink->on_blocked("low on disk"); });
  const Ended<int> call = ask();
  script().lose();
  EXPECT_EQ(call.count(), 0u);
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 1; }));
  script().reply(0, "7");
  EXPECT_EQ(call.count(), 1u);
}

TEST_F(ClientCore, TheLongestTimeoutIsNotPassedAtOnce) {
  for (const milliseconds timeout : {milliseconds::max(), milliseconds(std::chrono::hours(24 * 365 * 200))}) {
    Ended<int> call;
    rig.run([&] { client().request<int>("sum", 1, within(timeout), call.token()); });
    EXPECT_EQ(call.count(), 0u);
    EXPECT_EQ(script().sent.back().packet.deadline.count(), 0) << "nobody is told of a deadline that never comes";
    script().reply(script().sent.size() - 1, "1");
    ASSERT_EQ(call.count(), 1u);
    EXPECT_TRUE(*call) << text(call.error());
  }
}

TEST_F(ClientCore, AReplyThatNobodyAwaitsIsCountedOnce) {
  rig.run([&] { client().connect(asio::detached); });
  rig.run([&] {
    auto stream = client().stream<int>("sum", 1);
    EXPECT_EQ(client().stats().waiting, 1u);
  });
  rig.run([&] {
    auto dropped = client().request<int>("sum", 1);  // an awaitable that is never awaited
    script().reply(script().sent.size() - 1, "1");
    EXPECT_EQ(client().stats().waiting, 0u);
  });
  script().lose();
  rig.run([&] { client().close(); });
  EXPECT_EQ(client().stats().waiting, 0u);
}

TEST_F(ClientCore, AnEventThatNobodyAwaitsIsSentAllTheSame) {
  script().opens_with.reset();
  rig.run([&] { auto dropped = client().emit("x", 1); });
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 1; }));
}

TEST_F(ClientCore, ARequestThatAStreamAnswersEndsOnceWithItsFirstValue) {
  for (const bool has_middleware : {false, true}) {
    rig.make();
    if (has_middleware) client().use(middleware::log());
    script().sent.clear();
    const Ended<int> call = ask();
    Ended<int> elsewhere;
    asio::io_context other;
    rig.run([&] { client().request<int>("sum", 1, asio::bind_executor(other.get_executor(), elsewhere.token())); });
    std::vector<int> awaited;
    rig.run([&] {
      asio::co_spawn(
          rig.loop, [&]() -> asio::awaitable<void> { awaited.push_back(co_await client().request<int>("sum", 1)); },
          asio::detached);
    });
    ASSERT_EQ(script().sent.size(), 3u);
    for (const std::string value : {"1", "2", "3"}) {
      for (std::size_t at = 0; at < 3; ++at) script().reply(at, value, value == "3");
    }
    run_ready(rig.loop);
    run_ready(other);
    EXPECT_EQ(call.count(), 1u) << has_middleware;
    EXPECT_EQ(**call, 1);
    EXPECT_EQ(elsewhere.count(), 1u) << has_middleware;
    EXPECT_EQ(awaited, std::vector<int>{1}) << has_middleware;
    EXPECT_EQ(client().stats().waiting, 0u);
  }
}

TEST_F(ClientCore, MiddlewareAndMetricsComeBeforeTheFirstCall) {
  client().use(middleware::retry()).metrics_to([](std::string_view, double) {});
  rig.make();
  client().emit("x", 1, asio::detached);  // not on the loop: it is still on its way there
  EXPECT_THROW(client().use(middleware::retry()), Error);
  EXPECT_THROW(client().metrics_to({}), Error);
}

TEST_F(ClientCore, OneLineIsLoggedWhileItCannotConnect) {
  script().opens_with = Error(errc::refused, "nobody listens there", End::rejected);
  rig.run([&] { client().connect(asio::detached); });
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().opens > 3; }));
  std::size_t warnings = 0;
  for (const auto& line : rig.log.lines()) warnings += line.level >= LogLevel::warning;
  EXPECT_EQ(warnings, 1u);
  EXPECT_TRUE(rig.log.contains("nobody listens there (trying again)"));
}

TEST_F(ClientCore, UnconfirmedEventsAreNotForgottenWhenThePasswordIsRefused) {
  script().capabilities.confirms = true;
  rig.run([&] { client().connect(asio::detached); });
  rig.run([&] { client().emit("x", 1, asio::detached); });
  script().opens_with = Error(errc::unauthorized, "wrong password", End::rejected);
  script().lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.log.contains("wrong password; 1 events are not confirmed"); }));
  script().open_with({});
  rig.run([&] { client().connect(asio::detached); });  // does not wait for the minute
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 2; }));
  EXPECT_NE(script().sent[1].packet.headers.find(header::k_resent), nullptr);
}

TEST_F(ClientCore, ALinkThatIsLostWhileItOpensTakesNoCalls) {
  script().opens_with.reset();
  const Ended<int> call = ask();
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sink != nullptr; }));
  script().lose();
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 1; }));
  EXPECT_EQ(script().opens, 2) << "sent over the second link";
}

}  // namespace
}  // namespace waybill::test
