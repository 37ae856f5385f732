// Faults under virtual time: no test here waits for a clock.
#include "memory_rig.hpp"

#include <gtest/gtest.h>

namespace waybill::memory {
namespace {

using std::chrono::milliseconds;

struct TimedRig {
  std::shared_ptr<VirtualTime> time = std::make_shared<VirtualTime>();
  MemoryRig rig{options()};
  std::unique_ptr<Server> server = rig.serve("work");
  std::unique_ptr<Peer> peer = rig.connect();

  BrokerOptions options() const {
    BrokerOptions with_time;
    with_time.time = time;
    return with_time;
  }
  void emit(std::initializer_list<const char*> texts) {
    for (const auto* text : texts) MemoryRig::emit(*peer, "work", text);
    rig.run();
  }
  Texts taken() {
    rig.run();
    return MemoryRig::take_texts(*server);
  }
};

Fault fault_of(Leg leg) {
  Fault fault;
  fault.leg = leg;
  return fault;
}

TEST(MemoryFaults, ADelayedPacketComesWhenItsTimeHasCome) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_service);
  fault.delay = milliseconds(100);
  fault.times = 1;
  timed.rig.broker->inject(fault);
  timed.emit({"late", "in time"});
  EXPECT_EQ(timed.taken(), (Texts{"in time"}));
  timed.time->advance(milliseconds(99));
  EXPECT_EQ(timed.taken(), (Texts{}));
  timed.time->advance(milliseconds(1));
  EXPECT_EQ(timed.taken(), (Texts{"late"}));
}

TEST(MemoryFaults, ADroppedPacketVanishesAndItsSenderBelievesItTaken) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_service);
  fault.drop = true;
  fault.skip = 1;
  fault.times = 1;
  timed.rig.broker->inject(fault);
  timed.emit({"1", "2", "3"});
  EXPECT_EQ(timed.taken(), (Texts{"1", "3"}));
  EXPECT_EQ(timed.rig.broker->counters().faults, 1u);
  for (const auto& [ticket, outcome] : timed.peer->sink.sent) EXPECT_TRUE(outcome) << ticket;
}

TEST(MemoryFaults, DuplicatesComeRightBehind) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_service);
  fault.duplicates = 2;
  fault.times = 1;
  timed.rig.broker->inject(fault);
  timed.emit({"1", "2"});
  EXPECT_EQ(timed.taken(), (Texts{"1", "1", "1", "2"}));
}

TEST(MemoryFaults, APacketIsOvertaken) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_service);
  fault.overtaken_by = 2;
  fault.times = 1;
  timed.rig.broker->inject(fault);
  timed.emit({"1", "2", "3", "4"});
  EXPECT_EQ(timed.taken(), (Texts{"2", "3", "1", "4"}));
}

TEST(MemoryFaults, ClearingLetsTheOvertakenGoOn) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_service);
  fault.overtaken_by = 5;
  timed.rig.broker->inject(fault);
  timed.emit({"1"});
  EXPECT_EQ(timed.taken(), (Texts{}));
  timed.rig.broker->clear_faults();
  EXPECT_EQ(timed.taken(), (Texts{"1"}));
}

TEST(MemoryFaults, RepliesAreStruckOnTheirOwnLegAndByTheirRequestsRoute) {
  TimedRig timed;
  auto fault = fault_of(Leg::to_client);
  fault.route = "work";
  fault.delay = milliseconds(5);
  timed.rig.broker->inject(fault);
  MemoryRig::ask(*timed.peer, "work", "x", "id");
  timed.rig.run();
  ASSERT_EQ(timed.server->sink.deliveries.size(), 1u);
  MemoryRig::answer(timed.server->sink.take(), "y");
  timed.rig.run();
  EXPECT_TRUE(timed.peer->sink.replies.empty());
  EXPECT_TRUE(timed.time->advance_to_next());
  EXPECT_EQ(timed.time->now(), milliseconds(5));
  timed.rig.run();
  EXPECT_EQ(MemoryRig::reply_texts(*timed.peer), (Texts{"y"}));
}

TEST(MemoryFaults, FaultsOfOtherRoutesStrikeNobody) {
  TimedRig timed;
  auto fault = fault_of(Leg::both);
  fault.route = "other.*";
  fault.drop = true;
  timed.rig.broker->inject(fault);
  timed.emit({"1"});
  EXPECT_EQ(timed.taken(), (Texts{"1"}));
}

TEST(MemoryFaults, WhatHappensWhileFrozenHappensAfterwardsInOrder) {
  TimedRig timed;
  timed.rig.broker->freeze();
  timed.emit({"1", "2"});
  EXPECT_EQ(timed.taken(), (Texts{}));
  EXPECT_TRUE(timed.peer->sink.sent.empty());
  timed.rig.broker->thaw();
  timed.emit({"3"});
  EXPECT_EQ(timed.taken(), (Texts{"1", "2", "3"}));
  EXPECT_EQ(timed.peer->sink.sent.size(), 3u);
}

TEST(MemoryFaults, OpeningWaitsForAFrozenBroker) {
  TimedRig timed;
  timed.rig.broker->freeze();
  Peer late;
  Environment environment;
  environment.executor = timed.rig.loop.get_executor();
  late.role = timed.rig.transport->make_connection(environment);
  bool opened = false;
  asio::co_spawn(timed.rig.loop, late.role->open(late.sink), [&](std::exception_ptr, Result<void>) { opened = true; });
  timed.rig.run();
  EXPECT_FALSE(opened);
  timed.rig.broker->thaw();
  timed.rig.run();
  EXPECT_TRUE(opened);
}

TEST(MemoryFaults, DisconnectingTellsBothSidesAndFailsNothingElse) {
  TimedRig timed;
  timed.rig.broker->disconnect_connections();
  timed.rig.run();
  EXPECT_EQ(timed.peer->sink.lost.size(), 1u);
  EXPECT_TRUE(timed.server->sink.lost.empty());
  timed.rig.broker->disconnect();
  timed.rig.run();
  EXPECT_EQ(timed.peer->sink.lost.size(), 1u);
  EXPECT_EQ(timed.server->sink.lost.size(), 1u);
}

TEST(MemoryVirtualTime, CallsRunInOrderOfTimeThenOfRegistration) {
  VirtualTime time;
  std::string order;
  time.call_after(milliseconds(2), [&] { order += 'c'; });
  time.call_after(milliseconds(1), [&] {
    order += 'a';
    time.call_after(milliseconds(1), [&] { order += 'e'; });
  });
  time.call_after(milliseconds(1), [&] { order += 'b'; });
  time.call_after(milliseconds(2), [&] { order += 'd'; });
  time.call_after(milliseconds(9), [&] { order += 'z'; });
  time.advance(milliseconds(3));
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(time.waiting(), 1u);
  EXPECT_EQ(time.now(), milliseconds(3));
}

}  // namespace
}  // namespace waybill::memory
