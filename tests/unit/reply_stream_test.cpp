// ReplyStream over a scripted connection: reading, cancelling a read, slow readers.
#include "client/read_pause.hpp"
#include "support/manual_clock.hpp"
#include "support/scripted_transport.hpp"
#include "waybill/transport/held_bytes.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include <functional>

namespace waybill::test {
namespace {

using Value = Ended<std::optional<int>>;

class ReplyStreams : public testing::Test {
 protected:
  void SetUp() override {
    rig.run([&] { rig.client().connect(asio::detached); });
    rig.run([&] { stream.emplace(rig.client().stream<int>("count", 3)); });
    ASSERT_EQ(script().sent.size(), 1u);
  }
  Script& script() { return *rig.script; }
  Value next() {
    Value value;
    rig.run([&] { stream->next(value.token()); });
    return value;
  }
  ScriptedClient rig;
  std::optional<ReplyStream<int>> stream;
};

TEST_F(ReplyStreams, GivesValuesInOrderThenNothingAgainAndAgain) {
  rig.run([&] {
    script().reply(0, "1", false);
    script().reply(0, "2", false);
  });
  EXPECT_EQ(**next(), 1);
  EXPECT_EQ(**next(), 2);
  const Value third = next();
  EXPECT_EQ(third.count(), 0u);
  rig.run([&] { script().reply(0, "3", true); });
  EXPECT_EQ(**third, 3);
  EXPECT_EQ(**next(), std::nullopt);
  EXPECT_EQ(**next(), std::nullopt);
}

TEST_F(ReplyStreams, ACancelledReadEndsAndLosesNoValue) {
  asio::cancellation_signal signal;
  Value first;
  rig.run([&] { stream->next(asio::bind_cancellation_slot(signal.slot(), first.token())); });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(first.count(), 1u);
  EXPECT_EQ(first.error().code(), errc::cancelled);
  rig.run([&] { script().reply(0, "1", false); });
  EXPECT_EQ(**next(), 1);
}

asio::awaitable<bool> value_or_timer(ReplyStream<int>& stream) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(10));
  const auto first = co_await (stream.next() || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0;
}

TEST_F(ReplyStreams, CanBeReadBesideATimer) {
  EXPECT_FALSE(run_until(rig.loop, value_or_timer(*stream))) << "the timer came first, and ended the read";
  rig.run([&] { script().reply(0, "1", false); });
  EXPECT_TRUE(run_until(rig.loop, value_or_timer(*stream)));
}

TEST_F(ReplyStreams, AValueThatComesWithACancelIsTheNextReads) {
  asio::cancellation_signal signal;
  Value first;
  Value second;
  rig.run([&] { stream->next(asio::bind_cancellation_slot(signal.slot(), first.token())); });
  asio::post(rig.loop, [&] {
    signal.emit(asio::cancellation_type::terminal);
    script().reply(0, "1", false);  // before the cancellation gets there
    stream->next(second.token());
  });
  run_ready(rig.loop);
  ASSERT_EQ(first.count(), 1u);
  EXPECT_EQ(first.error().code(), errc::cancelled);
  ASSERT_EQ(second.count(), 1u);
  EXPECT_EQ(**second, 1);
}

TEST(ReadPause, ASlowReaderTakesNoMoreThanHalfOfTheTimeFromOthers) {
  using waybill::detail::ReadPause;
  ManualClock clock;
  ReadPause pause;
  EXPECT_TRUE(pause.may_begin(true, clock.now()));
  pause.ended(clock.advance(ReadPause::k_most));
  EXPECT_FALSE(pause.may_begin(true, clock.now())) << "others wait";
  EXPECT_TRUE(pause.may_begin(false, clock.now())) << "it is alone: nobody minds";
  clock.advance(ReadPause::k_most);
  EXPECT_TRUE(pause.may_begin(true, clock.now()));
}

TEST_F(ReplyStreams, ASlowReaderPausesTheLinkForAMomentOnly) {
  rig.run([&] {
    for (int i = 0; i < 1'200; ++i) script().reply(0, "1", false);
  });
  EXPECT_GE(script().pauses, 1);
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().resumes >= 1; })) << "nobody reads, and it goes on";
}

TEST_F(ReplyStreams, AReplyThatNobodyReadsFailsLoudlyAtItsBound) {
  rig.run([&] {
    for (int i = 0; i < 66'000; ++i) script().reply(0, "1", false);
  });
  int values = 0;
  std::optional<errc> failed;
  std::function<void()> read = [&] {
    stream->next([&](const Result<std::optional<int>>& value) {
      if (!value) {
        if (value.error().code() == errc::overloaded) failed = errc::overloaded;
        return;
      }
      ++values;
      read();
    });
  };
  rig.run(read);
  EXPECT_TRUE(failed) << "loudly";
  EXPECT_EQ(values, 65'536);
}

class ReplyStreamsOfBytes : public ReplyStreams {
 protected:
  static constexpr std::size_t k_value = 100'000;
  /// Sends values that nobody reads.
  void send(int values) {
    const std::string value(k_value, 'x');
    rig.run([&] {
      for (int i = 0; i < values; ++i) script().reply(0, '"' + value + '"', false);
    });
  }
  std::optional<Error> error_of_next() {
    std::optional<Error> error;
    rig.run([&] {
      stream->next([&error](const Result<std::optional<int>>& value) {
        if (!value) error = value.error();
      });
    });
    return error;
  }
  const std::size_t before = transport::held_bytes();
};

TEST_F(ReplyStreamsOfBytes, AFewLargeValuesPauseTheLinkAsManySmallOnesDo) {
  send(4);
  EXPECT_EQ(script().pauses, 0);
  send(4);
  EXPECT_EQ(script().pauses, 1);
}

TEST_F(ReplyStreamsOfBytes, WhatWaitsIsInTheAccountOfTheProcess) {
  send(20);
  EXPECT_GE(transport::held_bytes(), before + 20 * k_value - (64u << 10));
  rig.run([&] { stream.reset(); });
  EXPECT_EQ(transport::held_bytes(), before);
}

TEST_F(ReplyStreamsOfBytes, WhereTheProcessHoldsMuchAHoarderEndsAndGivesItsRoomBack) {
  send(20);
  transport::hold_bytes(256 << 20);
  send(1);
  transport::hold_bytes(-(256 << 20));
  EXPECT_EQ(transport::held_bytes(), before);
  const std::optional<Error> error = error_of_next();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), errc::overloaded) << error->what();
}

TEST_F(ReplyStreamsOfBytes, AStreamThatHoldsLittleGoesOnWhereTheProcessHoldsMuch) {
  transport::hold_bytes(256 << 20);
  send(5);
  transport::hold_bytes(-(256 << 20));
  const std::optional<Error> error = error_of_next();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), errc::payload_mismatch) << "a text, which is no int";
}

TEST_F(ReplyStreams, DestroyedBeforeTheEndItForgetsTheRest) {
  rig.run([&] { stream.reset(); });
  EXPECT_EQ(script().forgotten.size(), 1u);
  EXPECT_EQ(rig.client().stats().waiting, 0u);
}

}  // namespace
}  // namespace waybill::test
