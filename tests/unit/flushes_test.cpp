// Flushes: three stages, in every order in which the world may bring them about. No link, no clock.
#include "client/flushes.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace waybill::detail {
namespace {

constexpr TimePoint k_later = TimePoint(std::chrono::hours(1));

class FlushesTest : public testing::Test {
 protected:
  void add(std::uint64_t id = 1, TimePoint give_up = k_later) {
    flushes.add(id, give_up, next_waiting, [this, id](Result<void> outcome) {
      told += std::to_string(id) + (outcome ? "+" : "-");
      if (!outcome) error.emplace(outcome.error());
    });
  }
  void advance() { tell(flushes.advance(standing, forgotten)); }
  void tell(std::vector<Flushes::Ended> ended) {
    for (Flushes::Ended& one : ended) one.done(std::move(one.outcome));
  }
  void flush_transport() {
    EXPECT_TRUE(flushes.take_order());
    flushes.transport_flushed(std::nullopt);
    advance();
  }

  Flushes flushes;
  Flushes::Standing standing;
  std::uint64_t next_waiting = 0;
  std::optional<Error> forgotten;
  std::optional<Error> error;
  std::string told;
};

TEST_F(FlushesTest, WithNothingSentTheTransportIsAskedAllTheSame) {
  add();
  advance();
  EXPECT_EQ(told, "");
  flush_transport();
  EXPECT_EQ(told, "1+");
  EXPECT_TRUE(flushes.empty());
}

TEST_F(FlushesTest, WhatWaitsForALinkMustLeaveFirst) {
  next_waiting = 3;
  add();
  standing.first_waiting = 2;
  advance();
  EXPECT_FALSE(flushes.take_order());
  standing.first_waiting = 3;
  advance();
  flush_transport();
  EXPECT_EQ(told, "1+");
}

TEST_F(FlushesTest, WhatTheTransportHandedOverMustBeConfirmed) {
  standing.next_unconfirmed = 5;
  standing.first_unconfirmed = 4;
  add();
  advance();
  flush_transport();
  EXPECT_EQ(told, "");
  standing.next_unconfirmed = 9;  // sent later: not waited for
  standing.first_unconfirmed = 5;
  advance();
  EXPECT_EQ(told, "1+");
}

TEST_F(FlushesTest, OneThatBeginsWhileTheTransportFlushesNeedsTheNext) {
  add(1);
  advance();
  EXPECT_TRUE(flushes.take_order());
  add(2);
  advance();
  EXPECT_FALSE(flushes.take_order()) << "one at a time";
  flushes.transport_flushed(std::nullopt);
  advance();
  EXPECT_EQ(told, "1+");
  flush_transport();
  EXPECT_EQ(told, "1+2+");
}

TEST_F(FlushesTest, ALossMeansAFailureWhereNothingIsSentAgain) {
  const Error loss(errc::connection_lost, "gone", End::unknown);
  add();
  advance();
  EXPECT_TRUE(flushes.take_order());
  standing.losses = 1;
  standing.loss = &loss;
  flushes.transport_flushed(std::nullopt);
  advance();
  EXPECT_EQ(told, "1-");
  EXPECT_TRUE(error->code() == errc::connection_lost);
}

TEST_F(FlushesTest, ALossMeansNothingWhereItIsSentAgain) {
  add();
  advance();
  EXPECT_TRUE(flushes.take_order());
  standing.losses = 1;
  flushes.transport_flushed(std::nullopt);
  advance();
  EXPECT_EQ(told, "1+");
}

TEST_F(FlushesTest, ALossBeforeItBeganIsNoneOfIts) {
  const Error loss(errc::connection_lost, "gone", End::unknown);
  standing.losses = 7;
  standing.loss = &loss;
  add();
  advance();
  flush_transport();
  EXPECT_EQ(told, "1+");
}

TEST_F(FlushesTest, WhatFailedWhileItWaitedIsToldInTheEnd) {
  next_waiting = 2;
  add(1);
  flushes.failed(1, Error(errc::refused, "no link"));
  next_waiting = 3;
  standing.first_waiting = 2;
  add(2);
  advance();
  flushes.failed(5, Error(errc::refused, "sent later"));
  standing.first_waiting = 3;
  advance();
  flush_transport();
  EXPECT_EQ(told, "1-2+") << "what the second waited for did not fail; one flush of the transport is enough for both";
}

TEST_F(FlushesTest, AForgottenFailureIsToldOnce) {
  forgotten.emplace(errc::refused, "an event that nobody awaited");
  add(1);
  add(2);
  advance();
  flush_transport();
  EXPECT_EQ(told, "1-2+");
  EXPECT_FALSE(forgotten);
}

TEST_F(FlushesTest, ATransportThatCannotIsAFailureOfThoseThatAskedIt) {
  add(1);
  advance();
  EXPECT_TRUE(flushes.take_order());
  add(2);
  advance();
  flushes.transport_flushed(Error(errc::internal, "it threw"));
  advance();
  EXPECT_EQ(told, "1-");
  flush_transport();
  EXPECT_EQ(told, "1-2+");
}

TEST_F(FlushesTest, EachGivesUpByItself) {
  add(1, k_later);
  add(2, TimePoint(std::chrono::seconds(1)));
  EXPECT_EQ(flushes.earliest(), TimePoint(std::chrono::seconds(1)));
  const Error late(errc::timeout, "late");
  tell(flushes.take_late(TimePoint(std::chrono::seconds(1)), late));
  EXPECT_EQ(told, "2-");
  tell(flushes.take(1, late));
  EXPECT_EQ(told, "2-1-");
  EXPECT_EQ(flushes.earliest(), TimePoint::max());
}

TEST_F(FlushesTest, InEveryOrderEachEndsOnceAndNeverBeforeItsTime) {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    std::mt19937 random(seed);
    Flushes all;
    Flushes::Standing now;
    std::optional<Error> nothing;
    std::uint64_t waiting = 0;
    bool is_flushing = false;
    std::uint64_t begun = 0;
    std::uint64_t ended = 0;
    for (int step = 0; step < 60; ++step) {
      switch (random() % 7) {
        case 0: ++waiting; break;
        case 1: now.first_waiting += now.first_waiting < waiting; break;
        case 2: ++now.next_unconfirmed; break;
        case 3: now.first_unconfirmed += now.first_unconfirmed < now.next_unconfirmed; break;
        case 4: ++now.losses; break;
        case 5:
          ++begun;
          all.add(begun, k_later, waiting, [&, mark = waiting](const Result<void>& outcome) {
            EXPECT_TRUE(outcome);
            EXPECT_GE(now.first_waiting, mark) << "seed " << seed;
            ++ended;
          });
          break;
        default:
          if (std::exchange(is_flushing, false)) all.transport_flushed(std::nullopt);
          break;
      }
      for (Flushes::Ended& one : all.advance(now, nothing)) one.done(std::move(one.outcome));
      if (all.take_order()) {
        EXPECT_FALSE(is_flushing) << "two at a time, seed " << seed;
        is_flushing = true;
      }
    }
    now.first_waiting = waiting;
    for (int i = 0; i < 4; ++i) {
      now.first_unconfirmed = now.next_unconfirmed;
      for (Flushes::Ended& one : all.advance(now, nothing)) one.done(std::move(one.outcome));
      is_flushing |= all.take_order();
      if (std::exchange(is_flushing, false)) all.transport_flushed(std::nullopt);
    }
    EXPECT_EQ(ended, begun) << "seed " << seed;
  }
}

}  // namespace
}  // namespace waybill::detail
