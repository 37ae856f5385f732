// What a link decides, without a socket: events in every order, times told, answers in turn.
#include "flow/caller_watch.hpp"
#include "flow/intake.hpp"
#include "flow/refusals.hpp"
#include "protocol/pair_state.hpp"
#include "waybill/transports/socket/liveness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace waybill::redis {
namespace {

using Side = PairState::Side;
using Loss = PairState::Loss;

const Error& lost_it() {
  static const Error error(errc::refused, "it was lost", End::rejected);
  return error;
}

PairState logged_in() {
  PairState state;
  state.dialled();
  state.ready(Side::subscriber);
  EXPECT_TRUE(state.ready(Side::publisher));
  EXPECT_TRUE(state.conclude({}));
  return state;
}

// Every order of: both ready, one lost, whoever opens looks. If the loss came before the look, opening must fail; if it
// came after, the link must be told, as soon as it watches.
TEST(RedisPairState, ALossIsNeverSwallowedInAnyOrder) {
  enum Event { ready_subscriber, ready_publisher, loss, look, watch };
  std::vector<int> order{ready_subscriber, ready_publisher, loss, look, watch};
  int told = 0, failed = 0;
  do {
    const auto at = [&order](int event) { return std::find(order.begin(), order.end(), event) - order.begin(); };
    if (at(watch) < at(look)) continue;  // the same coroutine
    PairState state;
    state.dialled();
    bool is_told = false;
    bool is_open = true;
    for (const int event : order) {
      if (event == ready_subscriber) state.ready(Side::subscriber);
      if (event == ready_publisher) state.ready(Side::publisher);
      if (event == loss) is_told = state.lost(lost_it()) == Loss::told;
      if (event == look) is_open = static_cast<bool>(state.conclude({}));
      if (event == watch && is_open) is_open = static_cast<bool>(state.watch());
    }
    EXPECT_FALSE(is_open && !is_told) << "a link that is lost and does not know it";
    EXPECT_FALSE(!is_open && is_told) << "told of a link that never opened";
    EXPECT_TRUE(state.is_over());
    EXPECT_EQ(state.lost(lost_it()), Loss::ignored) << "once";
    ++(is_told ? told : failed);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_GT(told, 0);
  EXPECT_GT(failed, 0);
}

TEST(RedisPairState, ALossInTheTurnOfTheLastAcknowledgementFailsTheOpening) {
  for (const bool lost_first : {true, false}) {
    PairState state = logged_in();
    state.expect(2);
    EXPECT_FALSE(state.acknowledged());
    if (lost_first) {
      EXPECT_EQ(state.lost(lost_it()), Loss::kept);
      EXPECT_FALSE(state.acknowledged());
    } else {
      EXPECT_TRUE(state.acknowledged());
      EXPECT_EQ(state.lost(lost_it()), Loss::kept) << "nobody has looked yet";
    }
    const auto opened = state.conclude({});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message(), "it was lost");
  }
}

TEST(RedisPairState, ALossBetweenTheLookAndTheWatchIsReturned) {
  PairState state = logged_in();
  EXPECT_TRUE(state.is_up());
  EXPECT_EQ(state.lost(lost_it()), Loss::kept);
  EXPECT_FALSE(state.watch());
  EXPECT_FALSE(state.is_up());
}

TEST(RedisPairState, BeingLateOrCancelledEndsItUnlessItIsDone) {
  const Error late(errc::refused, "late", End::rejected);
  PairState state;
  state.dialled();
  state.ready(Side::subscriber);
  EXPECT_EQ(state.conclude(late).error().message(), "late");
  EXPECT_FALSE(state.ready(Side::publisher));
  PairState cancelled;
  cancelled.dialled();
  EXPECT_TRUE(cancelled.conclude({}).error().code() == errc::cancelled);
  PairState just;
  just.dialled();
  just.ready(Side::subscriber);
  just.ready(Side::publisher);
  EXPECT_TRUE(just.conclude(late)) << "in the same turn";
  PairState empty = logged_in();
  empty.expect(0);
  EXPECT_TRUE(empty.is_step_done());
  EXPECT_TRUE(empty.conclude({}));
  EXPECT_TRUE(empty.watch());
  EXPECT_EQ(empty.lost(lost_it()), Loss::told);
}

using socket::Liveness;
using Action = Liveness::Action;
using std::chrono::seconds;
constexpr Liveness::TimePoint k_start{seconds(1'000)};

TEST(RedisLiveness, AFrozenServerIsNoticedWithinIntervalAndTimeout) {
  // Frozen at any moment: asked at the next interval, lost after the timeout.
  for (int frozen = 0; frozen < 40; ++frozen) {
    Liveness alive(seconds(10), seconds(5));
    alive.start(k_start);
    for (int now = 1;; ++now) {
      ASSERT_LE(now, frozen + 15) << "frozen after " << frozen;
      const Action action = alive.at(k_start + seconds(now), now - 1 < frozen);
      if (action == Action::lost) break;
    }
  }
}

TEST(RedisLiveness, AsksEveryIntervalBusyOrNot) {
  Liveness alive(seconds(1), seconds(5));
  alive.start(k_start);
  std::vector<int> asked;
  auto now = k_start;
  while (asked.size() < 6) {
    now = alive.next();
    if (alive.at(now, true) == Action::ask) asked.push_back(static_cast<int>((now - k_start) / seconds(1)));
  }
  EXPECT_EQ(asked, (std::vector<int>{1, 2, 3, 4, 5, 6})) << "a server that closes idle clients sees none";
}

TEST(RedisLiveness, ALongTimeoutCountsFromTheFirstQuestion) {
  Liveness alive(seconds(1), seconds(3));
  alive.start(k_start);
  EXPECT_EQ(alive.at(k_start + seconds(1), false), Action::ask);
  EXPECT_EQ(alive.at(k_start + seconds(2), false), Action::ask);
  EXPECT_EQ(alive.at(k_start + seconds(3), false), Action::ask);
  EXPECT_EQ(alive.next(), k_start + seconds(4));
  EXPECT_EQ(alive.at(k_start + seconds(4), false), Action::lost);
}

TEST(RedisLiveness, AProgramThatStoodStillDoesNotBlameTheServer) {
  Liveness alive(seconds(10), seconds(5));
  alive.start(k_start);
  EXPECT_EQ(alive.at(k_start + seconds(10), true), Action::ask);
  EXPECT_NE(alive.at(k_start + seconds(60), false), Action::lost) << "its answer was not read yet";
  EXPECT_EQ(alive.at(k_start + seconds(65), false), Action::lost);
}

/// A link that only counts.
class Owner final : public ChannelOwner {
 public:
  void reply(Channel&, std::string_view, const Packet&) override {}
  void request_begins() noexcept override { ++in_hand; }
  void request_ends() noexcept override { --in_hand; }
  void bytes_held(std::ptrdiff_t by) noexcept override { bytes += by; }
  bool is_congested() const noexcept override { return false; }
  bool is_connected() const noexcept override { return true; }
  int in_hand = 0;
  std::ptrdiff_t bytes = 0;
};

class RedisChannels : public testing::Test {
 protected:
  Channel& glob(const std::string& name) { return *table.find_or_add("p.**", "p." + name); }

  Owner owner;
  const Subscriptions subscriptions{{Route{native("**"), true, true}, Route{Pattern("sum"), true, true}}, "p.", false};
  ChannelTable table{owner, subscriptions, "p."};
};

TEST_F(RedisChannels, KnowTheirNamesAndRoutes) {
  const Channel& exact = *table.find_or_add("", "p.sum");
  EXPECT_EQ(exact.name, "sum");
  EXPECT_EQ(exact.route, "sum");
  EXPECT_EQ(exact.replies, "p.sum.reply");
  EXPECT_FALSE(exact.has_own_name);
  const Channel& any = glob("a.b");
  EXPECT_EQ(any.name, "a.b");
  EXPECT_EQ(any.route, "**");
  EXPECT_TRUE(any.has_own_name);
  EXPECT_EQ(&glob("a.b"), &any);
  EXPECT_NE(table.find_or_add("", "p.a.b"), &any);
}

TEST_F(RedisChannels, ThoseOfGlobsAreBoundedAndTheLongestUnusedGoes) {
  Channel& busy = glob("busy");
  busy.use();
  table.find_or_add("", "p.sum");
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 2'000; ++i) glob("x" + std::to_string(i));
  EXPECT_LE(table.size(), ChannelTable::k_idle_globs + 2);
  EXPECT_EQ(&glob("busy"), &busy) << "never one in use";
  Channel& kept = glob("kept");
  for (int i = 0; i < 500; ++i) glob("y" + std::to_string(i));
  kept.use();
  kept.unuse();
  for (int i = 0; i < 600; ++i) glob("z" + std::to_string(i));
  EXPECT_EQ(&glob("kept"), &kept) << "used since: others are older";
  busy.unuse();
}

TEST_F(RedisChannels, AreAsManyAsAreInUse) {
  std::vector<Channel*> all;
  for (std::size_t i = 0; i < 3'000; ++i) {
    all.push_back(&glob("x" + std::to_string(i)));
    all.back()->use();
  }
  EXPECT_EQ(table.size(), 3'000u);
  for (Channel* channel : all) channel->unuse();
}

TEST_F(RedisChannels, ALongNameIsNotKept) {
  EXPECT_EQ(table.find_or_add("p.**", "p." + std::string(257, 'x')), nullptr);
  EXPECT_NE(table.find_or_add("p.**", "p." + std::string(256, 'x')), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(RedisChannels, AStaleZeroDoesNotEndANewCallersStream) {
  Channel& channel = *table.find_or_add("", "p.sum");
  const std::uint64_t asked = table.number();  // a PUBLISH or NUMSUB on its way
  Delivery delivery(channel, 0);
  channel.heard_by_nobody(asked);
  EXPECT_TRUE(delivery.source().is_connected()) << "it was asked before this caller came";
  channel.heard_by_nobody(table.number());
  EXPECT_FALSE(delivery.source().is_connected());
  EXPECT_EQ(owner.in_hand, 1);
}

TEST_F(RedisChannels, OfManyCallersEachIsAskedForInItsTurn) {
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 700; ++i) deliveries.emplace_back(glob("x" + std::to_string(i)), 0);
  CallerWatch watch(table);
  std::set<const Channel*> asked;
  for (int round = 0; round < 3; ++round) {
    const auto& some = watch.ask();
    EXPECT_LE(some.size(), CallerWatch::k_asked_at_once);
    asked.insert(some.begin(), some.end());
    watch.done();
  }
  EXPECT_EQ(asked.size(), 700u);
  const Channel* const gone = watch.ask().front();
  watch.take_count(0, 0);
  watch.take_count(1, 1);
  watch.take_count(1'000'000, 0);
  watch.done();
  EXPECT_FALSE(gone->is_heard);
  EXPECT_EQ(std::count_if(deliveries.begin(), deliveries.end(),
                          [](const Delivery& delivery) { return !delivery.source().is_connected(); }),
            1);
}

TEST_F(RedisChannels, WhatWaitsHasABoundInBytesNamesIncluded) {
  Intake intake(1, 100'000);
  EXPECT_FALSE(intake.must_wait());
  EXPECT_TRUE(intake.begin());
  EXPECT_TRUE(intake.must_wait());
  std::size_t put = 0;
  while (intake.put(glob(std::string(200, 'x') + std::to_string(put)), Slice::borrow("1"))) ++put;
  EXPECT_LT(put, 150u) << "each name is held several times";
  EXPECT_LE(intake.bytes(), 100'000u);
  EXPECT_FALSE(intake.has_next());
  EXPECT_TRUE(intake.end());
  while (intake.has_next()) intake.take().channel->unuse();
  EXPECT_EQ(intake.bytes(), 0u);
  intake.hold(true);
  EXPECT_TRUE(intake.must_wait());
  Channel& sum = *table.find_or_add("", "p.sum");
  EXPECT_TRUE(intake.put(sum, Slice::borrow("1")));
  EXPECT_FALSE(intake.has_next());
  intake.hold(false);
  EXPECT_TRUE(intake.has_next());
  intake.take().channel->unuse();
}

TEST_F(RedisChannels, WhatHandlersHaveHasABoundInBytesToo) {
  Intake intake(100, 100'000, 1'000);
  Channel& sum = *table.find_or_add("", "p.sum");
  EXPECT_TRUE(intake.begin());
  intake.hold_bytes(900);
  EXPECT_FALSE(intake.must_wait());
  intake.begin();
  intake.hold_bytes(900);
  EXPECT_TRUE(intake.must_wait());
  EXPECT_TRUE(intake.put(sum, Slice::borrow("1")));
  EXPECT_FALSE(intake.has_next());
  intake.hold_bytes(-900);
  intake.end();
  ASSERT_TRUE(intake.has_next());
  intake.take().channel->unuse();
}

Packet refusal() {
  Packet packet;
  packet.kind = PacketKind::no_handler;
  packet.id.text = "id-1";
  return packet;
}

TEST(RedisRefusals, OneOfOneEndsTheCall) {
  Refusals refusals;
  EXPECT_TRUE(refusals.take(1, refusal(), true));
  EXPECT_FALSE(refusals.take(2, refusal(), false)) << "PUBLISH is not answered yet";
  EXPECT_TRUE(refusals.knows(2));
  const auto last = refusals.counted(2, 1);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->id.text, "id-1");
  EXPECT_EQ(last->kind, PacketKind::no_handler);
}

TEST(RedisRefusals, OneOfSeveralDoesNotSpeakForTheOthers) {
  Refusals refusals;
  EXPECT_FALSE(refusals.counted(1, 3));
  EXPECT_FALSE(refusals.take(1, refusal(), true));
  EXPECT_FALSE(refusals.take(1, refusal(), true));
  EXPECT_TRUE(refusals.take(1, refusal(), true)) << "all three";
  EXPECT_FALSE(refusals.take(2, refusal(), false));
  EXPECT_FALSE(refusals.take(2, refusal(), false));
  EXPECT_FALSE(refusals.counted(2, 3));
  EXPECT_TRUE(refusals.take(2, refusal(), true));
  refusals.forget(1);
  refusals.forget(2);
  EXPECT_FALSE(refusals.knows(2));
}

}  // namespace
}  // namespace waybill::redis
