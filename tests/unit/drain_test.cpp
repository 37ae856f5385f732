// What a service holds back on purpose (running, waiting to be tried again, waiting to be parked, left), and where it is
// when a drain, a close or a lost link ends it. The broker is the test.
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_carrier.hpp"
#include "waybill/service.hpp"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace waybill {
namespace {

using std::chrono::milliseconds;

class DrainOf : public testing::Test {
 protected:
  DrainOf() : gate(loop, asio::steady_timer::time_point::max()), never(loop, asio::steady_timer::time_point::max()) {}
  ~DrainOf() override {
    if (service) service->close();
    gate.cancel();
    never.cancel();
    test::run_ready(loop);
    EXPECT_EQ(carrier.alive, 0) << "deliveries that nobody will end";
  }

  void serve(const std::string& options) {
    Config config = Config::listen({"script://broker" + options});
    service.emplace(loop.get_executor(), std::move(config), carrier.registry());
    service->log_to(logs.sink());
    service->on_event("slow", [this]() -> asio::awaitable<void> { co_await until(gate); });
    service->on_event("endless", [this]() -> asio::awaitable<void> { co_await until(never); });
    service->on_event("failing", [] { throw Error("not now"); });
    service->on_event("hopeless", [] { throw Error("never").permanent(); });
    service->on_event("left", [](Context& context) { context.leave(); });
    test::run_until(loop, service->start());
  }
  static asio::awaitable<void> until(asio::steady_timer& timer) {
    std::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  void begin_drain(milliseconds limit) {
    service->drain(limit, [this](const Result<DrainReport>& report) { drained = report.value(); });
    test::run_ready(loop);
  }
  /// How often the message was settled, whatever it was settled with.
  std::size_t settlements(std::uint64_t token) { return carrier.settled[token].size(); }

  asio::io_context loop{1};
  test::LogCapture logs;
  test::ScriptedCarrier carrier;
  std::optional<Service> service;
  std::optional<DrainReport> drained;
  asio::steady_timer gate;
  asio::steady_timer never;
};

TEST_F(DrainOf, EverythingInHandIsSettledOnceOrCountedAsAbandoned) {
  serve("?backoff=1h..1h&dead_letter=dead");
  std::uint64_t token = 0;
  const auto deliver = [&](const char* pattern, int count) {
    for (int i = 0; i < count; ++i) carrier.deliver(pattern, ++token);
    test::run_ready(loop);
  };
  deliver("slow", 4);     // 1..4 end while it drains
  deliver("endless", 3);  // 5..7 do not
  deliver("failing", 5);  // 8..12 wait to be tried again
  deliver("left", 2);     // 13, 14
  carrier.parks_at_once = Result<void>(Error(errc::refused, "the queue is full"));
  deliver("hopeless", 3);  // 15..17 wait to be parked again
  carrier.parks_at_once.reset();
  deliver("hopeless", 2);  // 18, 19 are being parked: one will be, one hangs
  EXPECT_EQ(carrier.parking.size(), 2u);
  for (const auto& [which, how] : carrier.settled) EXPECT_TRUE(how.empty()) << which << " was settled before it ended";

  begin_drain(milliseconds(300));
  EXPECT_TRUE(carrier.is_stopped);
  deliver("slow", 1);  // 20 comes too late
  gate.cancel();
  carrier.parking.at(18)({});
  carrier.parking.erase(18);
  ASSERT_TRUE(test::eventually(loop, [&] { return drained.has_value(); }));
  EXPECT_EQ(drained->finished, 4u + 1u);
  EXPECT_EQ(drained->given_back, 5u + 2u + 3u + 1u + 1u);
  EXPECT_EQ(drained->abandoned, 3u);
  EXPECT_EQ(drained->finished + drained->given_back + drained->abandoned, token);
  const std::vector<Settlement> done{Settlement::ack};
  const std::vector<Settlement> again{Settlement::retry};
  for (std::uint64_t one = 1; one <= token; ++one) {
    const bool is_abandoned = (one >= 5 && one <= 7) || one == 19;
    const bool is_done = one <= 4 || one == 18;
    if (is_abandoned) continue;
    EXPECT_EQ(carrier.settled[one], is_done ? done : again) << one;
  }
  EXPECT_EQ(service->stats().dead_lettered, 1u);
  EXPECT_EQ(service->stats().dropped, 0u);
}

TEST_F(DrainOf, ADeadLetterThatIsNeverConfirmedIsNotWaitedForToTheEnd) {
  serve("?dead_letter=dead");
  for (std::uint64_t token = 1; token <= 3; ++token) carrier.deliver("hopeless", token);
  test::run_ready(loop);
  ASSERT_EQ(carrier.parking.size(), 3u);
  begin_drain(std::chrono::minutes(10));
  carrier.parking.at(1)({});
  carrier.parking.at(2)(Error(errc::refused, "the queue is full"));
  ASSERT_TRUE(test::eventually(loop, [&] { return drained.has_value(); }));
  EXPECT_EQ(drained->finished, 1u);
  EXPECT_EQ(drained->given_back, 2u);
  EXPECT_EQ(drained->abandoned, 0u);
}

TEST_F(DrainOf, AnyLimitIsTaken) {
  serve("");
  carrier.deliver("slow", 1);
  test::run_ready(loop);
  begin_drain(milliseconds::max());
  EXPECT_FALSE(drained) << "a drain without limit waits for what is in hand";
  gate.cancel();
  ASSERT_TRUE(test::eventually(loop, [&] { return drained.has_value(); }));
  EXPECT_EQ(drained->finished, 1u);
  EXPECT_EQ(drained->abandoned, 0u);
}

TEST_F(DrainOf, ClosingLetsTheLoopEnd) {
  serve("?backoff=1h..1h&dead_letter=dead");
  carrier.parks_at_once = Result<void>(Error(errc::refused, "the queue is full"));
  for (const char* pattern : {"failing", "hopeless", "left"}) carrier.deliver(pattern, 1);
  service->close();
  EXPECT_TRUE(test::eventually(loop, [&] { return loop.stopped(); })) << "something still keeps the loop busy";
}

TEST_F(DrainOf, FailingEventsPauseTheIntakeUntilThereIsRoom) {
  serve("?max_in_flight=2&backoff=1ms..1ms");
  for (std::uint64_t token = 1; token <= 3; ++token) {
    EXPECT_FALSE(carrier.is_paused);
    carrier.deliver("failing", token);
  }
  EXPECT_TRUE(carrier.is_paused);
  EXPECT_TRUE(carrier.settled.empty()) << "given back before its backoff";
  ASSERT_TRUE(test::eventually(loop, [&] { return !carrier.is_paused; }));
  EXPECT_EQ(carrier.pauses, 1);
  EXPECT_EQ(carrier.resumes, 1);
  ASSERT_TRUE(test::eventually(loop, [&] { return carrier.settled.size() == 3; }));
  for (std::uint64_t token = 1; token <= 3; ++token) EXPECT_EQ(settlements(token), 1u);
}

TEST_F(DrainOf, ADrainResumesNothing) {
  serve("?max_in_flight=1&backoff=1h..1h");
  carrier.deliver("failing", 1);
  carrier.deliver("failing", 2);
  EXPECT_TRUE(carrier.is_paused);
  begin_drain(milliseconds(100));
  ASSERT_TRUE(test::eventually(loop, [&] { return drained.has_value(); }));
  EXPECT_EQ(carrier.resumes, 0);
}

TEST_F(DrainOf, WhatALostLinkHadBroughtIsForgotten) {
  serve("?max_in_flight=2&backoff=1h..1h&dead_letter=dead");
  carrier.deliver("failing", 1);
  carrier.deliver("failing", 2);
  carrier.deliver("failing", 3);
  carrier.deliver("left", 4);
  carrier.deliver("slow", 5);
  carrier.deliver("hopeless", 6);  // is being parked
  test::run_ready(loop);
  EXPECT_TRUE(carrier.is_paused);
  carrier.lose_link();
  carrier.parking.clear();
  ASSERT_TRUE(test::eventually(loop, [&] { return carrier.opened == 2; }));
  EXPECT_FALSE(carrier.is_paused);
  EXPECT_EQ(carrier.alive, 1) << "only the running handler has its delivery";
  gate.cancel();
  test::run_ready(loop);
  EXPECT_EQ(carrier.alive, 0);
  for (std::uint64_t token = 7; token <= 8; ++token) carrier.deliver("failing", token);
  EXPECT_FALSE(carrier.is_paused) << "those of the lost link still take the room";
}

TEST_F(DrainOf, MessagesThatCannotBeParkedKeepTheLinkRead) {
  serve("?max_in_flight=2&dead_letter=dead");
  carrier.parks_at_once = Result<void>(Error(errc::refused, "the queue is full"));
  for (std::uint64_t token = 1; token <= 2; ++token) carrier.deliver("hopeless", token);
  EXPECT_FALSE(carrier.is_paused) << "a paused link would not bring the word that they are parked";
  carrier.parks_at_once = Result<void>();
  ASSERT_TRUE(test::eventually(loop, [&] { return service->stats().dead_lettered == 2; }));
  EXPECT_EQ(settlements(1), 1u);
  EXPECT_EQ(settlements(2), 1u);
}

TEST_F(DrainOf, AMessageThatCameTooOftenIsParkedUnhandled) {
  serve("?attempts=3&dead_letter=dead");
  carrier.parks_at_once = Result<void>();
  carrier.deliver("left", 1, 3);
  carrier.deliver("left", 2, 4);
  EXPECT_EQ(settlements(1), 0u) << "the last attempt was its right";
  EXPECT_EQ(carrier.settled[2], std::vector<Settlement>{Settlement::ack});
  EXPECT_EQ(service->stats().dead_lettered, 1u);
}

}  // namespace
}  // namespace waybill
