// Client::flush and Client::connect: what they wait for, and that they end.
#include "support/scripted_transport.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

class Flush : public testing::Test {
 protected:
  void emit_all(int count) {
    for (int i = 0; i < count; ++i) rig.client().emit("x", i, asio::detached);
  }
  Script& script() { return *rig.script; }
  void confirms() { script().capabilities.confirms = true; }
  ScriptedClient rig;
  Ended<void> flushed;
};

TEST_F(Flush, BeforeThereIsALinkWaitsForItAndForAllThatWasSent) {
  script().opens_with.reset();
  rig.run([&] {
    emit_all(100);
    rig.client().flush(flushed.token());
  });
  EXPECT_EQ(flushed.count(), 0u) << "nothing has left";
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return flushed.count() == 1; }));
  EXPECT_TRUE(*flushed);
  EXPECT_EQ(script().sent.size(), 100u);
}

TEST_F(Flush, OfEventsThatNeverLeaveGivesTheConnectFailure) {
  rig.make("?connect_timeout=30ms");
  script().opens_with = Error(errc::refused, "nobody is there", End::rejected);
  rig.run([&] {
    emit_all(100);
    rig.client().flush(flushed.token());
  });
  ASSERT_TRUE(eventually(rig.loop, [&] { return flushed.count() == 1; }));
  EXPECT_EQ(flushed.error().code(), errc::refused);
  EXPECT_EQ(flushed.error().end(), End::rejected);
  EXPECT_NE(std::string(flushed.error().what()).find("nobody is there"), std::string::npos) << flushed.error().what();
  EXPECT_EQ(rig.client().stats().failed, 100u);
}

TEST_F(Flush, OfEventsThatAreRefusedForGoodGivesTheRefusal) {
  script().opens_with = Error(errc::unauthorized, "wrong password", End::rejected);
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
  });
  ASSERT_TRUE(eventually(rig.loop, [&] { return flushed.count() == 1; }));
  EXPECT_EQ(flushed.error().code(), errc::unauthorized);
}

TEST_F(Flush, WaitsForConfirmsAlsoAcrossALoss) {
  confirms();
  rig.run([&] {
    emit_all(2);
    rig.client().flush(flushed.token());
  });
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 2; }));
  run_ready(rig.loop);
  script().confirm(1);
  run_ready(rig.loop);
  EXPECT_EQ(flushed.count(), 0u) << "the first is not confirmed";
  script().lose();
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 3; })) << "sent again";
  run_ready(rig.loop);
  EXPECT_EQ(flushed.count(), 0u);
  script().confirm(2);
  run_ready(rig.loop);
  ASSERT_EQ(flushed.count(), 1u);
  EXPECT_TRUE(*flushed);
}

TEST_F(Flush, TwoAtOnceWaitWithoutSpinning) {
  confirms();
  Ended<void> second;
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
    rig.client().flush(second.token());
  });
  std::size_t handlers = 0;
  for (std::size_t ran = 1; ran != 0 && handlers < 1'000; handlers += ran) ran = rig.loop.poll_one();
  EXPECT_LT(handlers, 1'000u) << "they wake each other";
  script().confirm(0);
  run_ready(rig.loop);
  EXPECT_EQ(flushed.count(), 1u);
  EXPECT_EQ(second.count(), 1u);
}

TEST_F(Flush, DoesNotWaitForWhatIsSentLater) {
  confirms();
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
  });
  rig.run([&] { emit_all(1); });
  script().confirm(0);
  run_ready(rig.loop);
  EXPECT_EQ(flushed.count(), 1u);
}

TEST_F(Flush, EndsWhenTheTransportsFlushDoesNot) {
  rig.make("?timeout=30ms");
  script().flush_hangs = true;
  Ended<void> second;
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
    rig.client().flush(second.token());
  });
  ASSERT_TRUE(eventually(rig.loop, [&] { return flushed.count() == 1 && second.count() == 1; }));
  EXPECT_EQ(flushed.error().code(), errc::timeout);
  rig.run([&] { rig.client().flush(asio::detached); });
  EXPECT_EQ(script().flushes, 1) << "one that hangs does not become many";
  script().end_flushes();
}

TEST_F(Flush, SaysSoWhenTheLinkIsLostMeanwhile) {
  script().flush_hangs = true;
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
  });
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().flushes == 1; }));
  script().lose("reset by peer");
  script().end_flushes();
  ASSERT_TRUE(eventually(rig.loop, [&] { return flushed.count() == 1; }));
  EXPECT_EQ(flushed.error().code(), errc::connection_lost);
}

TEST_F(Flush, EndsWithClose) {
  script().opens_with.reset();
  rig.run([&] {
    emit_all(1);
    rig.client().flush(flushed.token());
  });
  rig.run([&] { rig.client().close(); });
  ASSERT_EQ(flushed.count(), 1u);
  EXPECT_EQ(flushed.error().code(), errc::closed);
}

TEST_F(Flush, CanBeCancelled) {
  script().opens_with.reset();
  asio::cancellation_signal signal;
  rig.run([&] {
    emit_all(1);
    rig.client().flush(asio::bind_cancellation_slot(signal.slot(), flushed.token()));
  });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(flushed.count(), 1u);
  EXPECT_EQ(flushed.error().code(), errc::cancelled);
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return script().sent.size() == 1; })) << "the events go on";
}

TEST_F(Flush, TellsOfAnEventThatFailedBefore) {
  rig.run([&] { emit_all(1); });
  script().sink->on_sent(0, Error(errc::too_large, "1 byte too many", End::rejected));
  rig.run([&] { rig.client().flush(flushed.token()); });
  ASSERT_EQ(flushed.count(), 1u);
  EXPECT_EQ(flushed.error().code(), errc::too_large);
  Ended<void> second;
  rig.run([&] { rig.client().flush(second.token()); });
  ASSERT_EQ(second.count(), 1u);
  EXPECT_TRUE(*second) << "told once";
}

TEST_F(Flush, OfNothingIsDone) {
  rig.run([&] { rig.client().flush(flushed.token()); });
  ASSERT_EQ(flushed.count(), 1u);
  EXPECT_TRUE(*flushed);
}

class Connect : public Flush {};

TEST_F(Connect, EachHasATimeOfItsOwn) {
  rig.make("?connect_timeout=40ms");
  script().opens_with.reset();
  Ended<void> first;
  rig.run([&] { rig.client().connect(first.token()); });
  // As long as the first waits, there is always a younger one.
  int others = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    ++others;
    rig.client().connect(asio::detached);
    return first.count() == 1;
  }));
  EXPECT_EQ(first.error().code(), errc::refused);
  EXPECT_EQ(first.error().end(), End::rejected);
  EXPECT_GT(others, 1);
}

TEST_F(Connect, CanBeCancelled) {
  script().opens_with.reset();
  asio::cancellation_signal signal;
  Ended<void> first;
  Ended<void> second;
  rig.run([&] {
    rig.client().connect(asio::bind_cancellation_slot(signal.slot(), first.token()));
    rig.client().connect(second.token());
  });
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(first.count(), 1u);
  EXPECT_EQ(first.error().code(), errc::cancelled);
  EXPECT_EQ(second.count(), 0u);
  script().open_with({});
  ASSERT_TRUE(eventually(rig.loop, [&] { return second.count() == 1; }));
  EXPECT_TRUE(*second);
}

}  // namespace
}  // namespace waybill::test
