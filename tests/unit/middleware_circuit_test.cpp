// A circuit in every order of events; no call, no clock.
#include "middleware/circuit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;
using waybill::detail::Circuit;
using waybill::detail::TimePoint;
using Options = middleware::CircuitBreakerOptions;
using Outcome = Circuit::Outcome;
using State = Circuit::State;

constexpr TimePoint k_begin{std::chrono::hours(1)};

class CircuitTest : public testing::Test {
 protected:
  static Options options() {
    Options options;
    options.minimum_calls = 4;
    options.window = milliseconds(1000);
    options.open = milliseconds(100);
    options.most_open = milliseconds(400);
    return options;
  }
  void use(Options options) { circuit = Circuit(options); }
  bool call(Outcome outcome) {
    const auto pass = circuit.enter(now);
    if (pass) circuit.ended(*pass, outcome, now, 0);
    return pass.has_value();
  }
  void calls(int good, int bad) {
    for (int i = 0; i < good; ++i) call(Outcome::good);
    for (int i = 0; i < bad; ++i) call(Outcome::bad);
  }
  TimePoint now = k_begin;
  Circuit circuit{options()};
};

TEST_F(CircuitTest, OpensWhenEnoughOfEnoughCallsFailed) {
  calls(0, 3);
  EXPECT_EQ(circuit.state(), State::closed) << "three are fewer than minimum_calls";
  calls(0, 1);
  EXPECT_EQ(circuit.state(), State::open);
  EXPECT_EQ(circuit.until(), now + milliseconds(100));
  EXPECT_EQ(circuit.counted(now).failed, 4);
  use(options());
  calls(3, 2);
  EXPECT_EQ(circuit.state(), State::closed) << "two of five are less than half";
  calls(0, 1);
  EXPECT_EQ(circuit.state(), State::open);
}

TEST_F(CircuitTest, AGoodCallThatMakesEnoughOpensItToo) {
  calls(0, 3);
  calls(1, 0);
  EXPECT_EQ(circuit.state(), State::open) << "three of four failed";
}

TEST_F(CircuitTest, ForgetsWhatIsOlderThanItsWindow) {
  calls(0, 3);
  now += milliseconds(1100);
  calls(0, 3);
  EXPECT_EQ(circuit.state(), State::closed);
  EXPECT_EQ(circuit.counted(now).calls, 3);
  now += milliseconds(500);
  calls(0, 1);
  EXPECT_EQ(circuit.state(), State::open) << "those of half a window ago still count";
}

TEST_F(CircuitTest, OpensAfterSoManyInARow) {
  Options in_row = options();
  in_row.minimum_calls = 1000;
  in_row.consecutive = 3;
  use(in_row);
  calls(0, 2);
  calls(1, 2);
  EXPECT_EQ(circuit.state(), State::closed);
  calls(0, 1);
  EXPECT_EQ(circuit.state(), State::open);
}

TEST_F(CircuitTest, TakesTheLongestTimes) {
  Options longest = options();
  longest.window = longest.open = longest.most_open = milliseconds::max();
  use(longest);
  calls(0, 3);
  now += std::chrono::hours(24);
  calls(0, 1);
  EXPECT_EQ(circuit.state(), State::open);
  now += std::chrono::hours(24 * 365);
  EXPECT_FALSE(circuit.enter(now)) << "it stays open";
}

TEST_F(CircuitTest, WhatSaysNothingIsNotCounted) {
  for (int i = 0; i < 100; ++i) call(Outcome::none);
  EXPECT_EQ(circuit.counted(now).calls, 0);
}

TEST_F(CircuitTest, LetsATrialThroughAndClosesOrOpensForLonger) {
  calls(0, 4);
  for (const int pause : {100, 200, 400, 400}) {
    EXPECT_EQ(circuit.until(), now + milliseconds(pause));
    now = circuit.until() - milliseconds(1);
    EXPECT_FALSE(circuit.enter(now));
    now = circuit.until();
    const auto trial = circuit.enter(now);
    ASSERT_TRUE(trial);
    EXPECT_EQ(circuit.state(), State::half_open);
    EXPECT_FALSE(circuit.enter(now)) << "one trial at a time";
    EXPECT_TRUE(circuit.ended(*trial, Outcome::bad, now, 0));
    EXPECT_EQ(circuit.state(), State::open);
  }
  now = circuit.until();
  EXPECT_TRUE(call(Outcome::good));
  EXPECT_EQ(circuit.state(), State::closed);
  EXPECT_EQ(circuit.counted(now).calls, 0) << "it begins anew";
  calls(0, 4);
  EXPECT_EQ(circuit.until(), now + milliseconds(100)) << "and so does its pause";
}

TEST_F(CircuitTest, ClosesWhenAllTrialsWentWell) {
  Options three = options();
  three.trials = 3;
  use(three);
  calls(0, 4);
  now = circuit.until();
  const auto first = circuit.enter(now);
  EXPECT_TRUE(call(Outcome::good));
  EXPECT_TRUE(call(Outcome::good));
  EXPECT_FALSE(circuit.enter(now)) << "the third is under way";
  circuit.ended(*first, Outcome::none, now, 0);
  EXPECT_EQ(circuit.state(), State::half_open) << "a trial that was cancelled gives its place to another";
  EXPECT_TRUE(call(Outcome::good));
  EXPECT_EQ(circuit.state(), State::closed);
}

TEST_F(CircuitTest, ATrialThatNeverEndsDoesNotKeepItOpenForEver) {
  calls(0, 4);
  now = circuit.until();
  const auto hanging = circuit.enter(now);
  ASSERT_TRUE(hanging);
  now = circuit.until();
  const auto second = circuit.enter(now);
  ASSERT_TRUE(second);
  EXPECT_FALSE(circuit.ended(*hanging, Outcome::good, now, 0)) << "it is not asked any more";
  EXPECT_TRUE(circuit.ended(*second, Outcome::good, now, 0));
  EXPECT_EQ(circuit.state(), State::closed);
}

TEST_F(CircuitTest, WhatBeganBeforeItOpenedChangesNothingAfterwards) {
  const auto early = circuit.enter(now);
  const auto other = circuit.enter(now);
  calls(0, 4);
  EXPECT_FALSE(circuit.ended(*early, Outcome::good, now, 0));
  now = circuit.until();
  const auto trial = circuit.enter(now);
  EXPECT_FALSE(circuit.ended(*other, Outcome::bad, now, 0));
  EXPECT_EQ(circuit.state(), State::half_open);
  EXPECT_TRUE(circuit.ended(*trial, Outcome::good, now, 0));
}

/// All sequences of eight events, with what must hold after each.
class EveryOrder {
 public:
  void run() {
    Options options;
    options.minimum_calls = 2;
    options.window = milliseconds(100);
    options.open = options.most_open = milliseconds(50);
    options.trials = 2;
    step({Circuit(options), k_begin, {}}, 8);
  }
  std::uint64_t sequences = 0;
  std::set<State> seen;

 private:
  struct World {
    Circuit circuit;
    TimePoint now;
    std::vector<Circuit::Pass> out;
  };
  void step(const World& world, int left) {
    seen.insert(world.circuit.state());
    World later = world;
    later.now = std::max(later.now, later.circuit.until());
    ASSERT_TRUE(later.circuit.enter(later.now)) << "it never stays shut";
    if (left == 0) {
      ++sequences;
      return;
    }
    enter(world, left);
    for (const Outcome outcome : {Outcome::good, Outcome::bad, Outcome::none}) end(world, outcome, left);
    for (const milliseconds pause : {milliseconds(20), milliseconds(60)}) {
      World next = world;
      next.now += pause;
      step(next, left - 1);
    }
  }
  void enter(World world, int left) {
    const State before = world.circuit.state();
    const TimePoint until = world.circuit.until();
    const auto pass = world.circuit.enter(world.now);
    if (before == State::closed) {
      ASSERT_TRUE(pass);
    }
    if (before == State::open) {
      ASSERT_EQ(pass.has_value(), world.now >= until);
    }
    if (pass) world.out.push_back(*pass);
    if (world.circuit.state() == State::half_open) {
      const auto is_trial = [&pass](const Circuit::Pass& one) { return pass && one.generation == pass->generation; };
      ASSERT_LE(std::count_if(world.out.begin(), world.out.end(), is_trial), 2);
    }
    step(world, left - 1);
  }
  void end(World world, Outcome outcome, int left) {
    if (world.out.empty()) return;
    const State before = world.circuit.state();
    const Circuit::Pass pass = world.out.front();
    world.out.erase(world.out.begin());
    const bool has_moved = world.circuit.ended(pass, outcome, world.now, 0);
    ASSERT_EQ(has_moved, world.circuit.state() != before);
    if (outcome == Outcome::none || before == State::open) {
      ASSERT_FALSE(has_moved);
    }
    step(world, left - 1);
  }
};

TEST(CircuitEveryOrder, KeepsItsPromises) {
  EveryOrder every;
  every.run();
  EXPECT_GT(every.sequences, 100'000u);
  EXPECT_EQ(every.seen.size(), 3u);
}

TEST(CircuitBreakerOptions, TellEveryMistake) {
  EXPECT_TRUE(Options().validate());
  Options options;
  options.failure_rate = 1.5;
  options.minimum_calls = options.trials = options.max_patterns = 0;
  options.window = options.open = milliseconds(0);
  options.most_open = milliseconds(-1);
  options.consecutive = -1;
  const Result<void> outcome = options.validate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), errc::invalid_config);
  EXPECT_EQ(outcome.error().message(),
            "circuit_breaker: failure_rate must be more than 0 and at most 1\n"
            "circuit_breaker: minimum_calls must be at least 1\ncircuit_breaker: window must be more than 0\n"
            "circuit_breaker: consecutive is negative\ncircuit_breaker: open must be more than 0\n"
            "circuit_breaker: most_open is less than open\ncircuit_breaker: trials must be at least 1\n"
            "circuit_breaker: max_patterns must be at least 1");
  EXPECT_THROW(middleware::circuit_breaker(options), Error);
}

}  // namespace
}  // namespace waybill::test
