// What a Kafka listener's intake is made of and needs no broker: offsets, assignment, pauses.
#include "flow/assignment.hpp"
#include "flow/flow_control.hpp"
#include "flow/offset_tracker.hpp"
#include "protocol/error.hpp"
#include "protocol/log_limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace waybill::kafka {
namespace {

TEST(KafkaOffsets, AdvanceOnlyOverWhatIsFinishedWithoutAHole) {
  OffsetTracker offsets;
  for (const std::int64_t offset : {10, 11, 14, 15}) offsets.take(offset);  // 12 and 13 were compacted away
  EXPECT_EQ(offsets.advance(), std::nullopt);
  offsets.finish(11);
  EXPECT_EQ(offsets.advance(), std::nullopt);
  offsets.finish(10);
  EXPECT_EQ(offsets.advance(), 12);
  EXPECT_EQ(offsets.advance(), std::nullopt);
  offsets.finish(15);
  EXPECT_EQ(offsets.advance(), std::nullopt);
  offsets.finish(14);
  EXPECT_EQ(offsets.advance(), 16);
  EXPECT_EQ(offsets.span(), 0u);
}

TEST(KafkaOffsets, NeverAdvanceOverAnUnfinishedOneInAnyOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> order(50);
    std::iota(order.begin(), order.end(), 100);
    OffsetTracker offsets;
    for (const std::int64_t offset : order) offsets.take(offset);
    std::shuffle(order.begin(), order.end(), random);
    std::vector<bool> finished(50);
    std::int64_t committed = 100;
    for (const std::int64_t offset : order) {
      offsets.finish(offset);
      finished[static_cast<std::size_t>(offset - 100)] = true;
      committed = offsets.advance().value_or(committed);
      const auto hole = std::find(finished.begin(), finished.end(), false);
      ASSERT_EQ(committed, 100 + std::distance(finished.begin(), hole));
    }
  }
}

TEST(KafkaOffsets, TellOnceThatThereIsAnAdvance) {
  OffsetTracker offsets;
  for (const std::int64_t offset : {1, 2, 3, 4}) offsets.take(offset);
  EXPECT_FALSE(offsets.finish(2));
  EXPECT_TRUE(offsets.finish(1));
  EXPECT_FALSE(offsets.finish(3)) << "it was told";
  EXPECT_EQ(offsets.advance(), 4);
  EXPECT_TRUE(offsets.finish(4));
}

TEST(KafkaOffsets, SayWhereASuccessorGoesOnAsOftenAsAsked) {
  OffsetTracker offsets;
  EXPECT_LT(offsets.next(), 0);
  for (const std::int64_t offset : {1, 2, 3}) offsets.take(offset);
  offsets.finish(1);
  EXPECT_EQ(offsets.next(), 2);
  EXPECT_EQ(offsets.advance(), 2);
  EXPECT_EQ(offsets.next(), 2);
  offsets.finish(3);
  EXPECT_EQ(offsets.next(), 2);
}

TEST(KafkaOffsets, UnknownAndRepeatedOnesChangeNothing) {
  OffsetTracker offsets;
  offsets.take(5);
  offsets.finish(4);
  offsets.finish(6);
  EXPECT_EQ(offsets.advance(), std::nullopt);
  offsets.finish(5);
  offsets.finish(5);
  EXPECT_EQ(offsets.advance(), 6);
}

using PartitionPtr = Assignment::PartitionPtr;
using Stored = std::map<std::string, std::int64_t>;

Stored stored(Assignment& assignment) {
  Stored offsets;
  assignment.take_offsets_to_store([&offsets](const Partition& partition, std::int64_t offset) {
    offsets[partition.topic + '/' + std::to_string(partition.number)] = offset;
  });
  return offsets;
}

TEST(KafkaAssignment, FindsWhatIsOursAndNothingElse) {
  Assignment assignment;
  const int a = 0;  // stand for topics, as librdkafka's handles do
  const int b = 0;
  EXPECT_EQ(assignment.find(&a, "a", 0), nullptr);
  assignment.add("a", 0);
  assignment.add("a", 1);
  assignment.add("b", 0);
  const PartitionPtr first = assignment.find(&a, "a", 0);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(assignment.find(&a, "a", 0), first);
  EXPECT_EQ(assignment.find(&a, "a", 1)->number, 1);
  EXPECT_EQ(assignment.find(&b, "b", 0)->topic, "b");
  EXPECT_EQ(assignment.find(&a, "a", 0), first);
  EXPECT_EQ(assignment.find(&a, "a", 2), nullptr);
  EXPECT_EQ(assignment.remove("a", 0), first);
  EXPECT_FALSE(first->is_ours);
  EXPECT_EQ(assignment.find(&a, "a", 0), nullptr);
  EXPECT_EQ(assignment.remove("a", 0), nullptr);
  EXPECT_EQ(assignment.size(), 2u);
}

TEST(KafkaAssignment, APartitionThatComesBackIsPositionedAnew) {
  Assignment assignment;
  const int topic = 0;
  assignment.add("a", 0);
  const PartitionPtr before = assignment.find(&topic, "a", 0);
  before->fresh_from = 7;
  assignment.remove("a", 0);
  assignment.add("a", 0);
  const PartitionPtr after = assignment.find(&topic, "a", 0);
  EXPECT_EQ(after, before) << "what is known of its records stays";
  EXPECT_TRUE(after->is_ours);
  EXPECT_EQ(after->fresh_from, std::nullopt);
}

TEST(KafkaAssignment, WhatIsInHandOfADeletedPartitionDoesNotCountForTheOneThatHasItsPlace) {
  Assignment assignment;
  assignment.add("a", 0, 5);
  const PartitionPtr old = assignment.find("a", 0);
  old->start(5, 5);
  EXPECT_EQ(old->offsets.take(5), OffsetTracker::Seen::fresh);
  old->last = 5;
  EXPECT_TRUE(old->is_of_another_log(5));
  EXPECT_FALSE(old->is_of_another_log(6));
  const PartitionPtr fresh = assignment.renew(old);
  EXPECT_EQ(assignment.find("a", 0), fresh);
  fresh->start(0, 9);
  EXPECT_FALSE(fresh->is_of_another_log(0));
  for (std::int64_t offset = 0; offset <= 5; ++offset) {
    EXPECT_EQ(fresh->offsets.take(offset), OffsetTracker::Seen::fresh) << offset;
    if (offset < 5) assignment.finish(fresh, offset);
  }
  old->offsets.finish(5);
  EXPECT_EQ(stored(assignment), (Stored{{"a/0", 5}}));
}

TEST(KafkaErrors, SayWhichPartitionTheyAreAbout) {
  const auto place = place_in("order.created [12]: topic does not exist (Broker: Unknown topic or partition)");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->topic, "order.created");
  EXPECT_EQ(place->partition, 12);
  for (const char* other : {"", "broker:9092/1: Connect failed", "[1]: x", "a [x]: b", "a [1] b", "a []: b"})
    EXPECT_FALSE(place_in(other)) << other;
}

TEST(KafkaAssignment, IsKeptWhileARecordOfItIsInHandWhoeverHasItMeanwhile) {
  Assignment assignment;
  const int topic = 0;
  for (const int number : {0, 1}) assignment.add("a", number);
  const PartitionPtr busy = assignment.find(&topic, "a", 0);
  const PartitionPtr idle = assignment.find(&topic, "a", 1);
  busy->in_hand = 1;
  for (const int number : {0, 1}) assignment.remove("a", number);
  assignment.forget_removed();
  for (const int number : {0, 1}) assignment.add("a", number);
  EXPECT_EQ(assignment.find(&topic, "a", 0), busy);
  EXPECT_NE(assignment.find(&topic, "a", 1), idle);
}

TEST(KafkaAssignment, StoresEachAdvanceOnceAndOnlyOfWhatIsOurs) {
  Assignment assignment;
  const int topic = 0;
  assignment.add("a", 0);
  assignment.add("a", 1);
  const PartitionPtr zero = assignment.find(&topic, "a", 0);
  const PartitionPtr one = assignment.find(&topic, "a", 1);
  for (const std::int64_t offset : {10, 11, 12}) zero->offsets.take(offset);
  one->offsets.take(5);
  assignment.finish(zero, 11);
  EXPECT_FALSE(assignment.has_offsets_to_store()) << "10 is a hole";
  assignment.finish(zero, 10);
  assignment.finish(zero, 12);
  assignment.finish(one, 5);
  EXPECT_TRUE(assignment.has_offsets_to_store());
  EXPECT_EQ(stored(assignment), (Stored{{"a/0", 13}, {"a/1", 6}}));
  EXPECT_FALSE(assignment.has_offsets_to_store());
  zero->offsets.take(13);
  one->offsets.take(6);
  assignment.finish(zero, 13);
  assignment.finish(one, 6);
  assignment.remove("a", 1);
  EXPECT_EQ(stored(assignment), (Stored{{"a/0", 14}}));
}

/// A partition from 10 on: 10 to 13 and 15 are finished, 14 is in hand; the group has confirmed what is before 12.
class KafkaPartitionComesBack : public testing::Test {
 protected:
  using Seen = OffsetTracker::Seen;

  KafkaPartitionComesBack() {
    assignment_.add("a", 0, 10);
    const PartitionPtr partition = find();
    partition->start(10, 20);
    for (const std::int64_t offset : {10, 11, 12, 13, 14, 15, 16}) partition->offsets.take(offset);
    for (const std::int64_t offset : {10, 11, 12, 13, 15}) partition->offsets.finish(offset);
    partition->offsets.drop(16);  // it waited when the partition was lost
    partition->in_hand = 1;
    assignment_.note_committed("a", 0, 12);
    assignment_.note_committed("b", 0, 99);  // not ours
  }
  PartitionPtr find() { return assignment_.find(this, "a", 0); }
  PartitionPtr comes_back(std::int64_t committed, std::int64_t end = 20) {
    assignment_.remove("a", 0);
    assignment_.forget_removed();
    assignment_.add("a", 0, committed);
    find()->start(std::max<std::int64_t>(committed, 0), end);
    return find();
  }

  Assignment assignment_;
};

TEST_F(KafkaPartitionComesBack, AndWhatWasFinishedHereIsDoneBehindAHoleToo) {
  const PartitionPtr partition = comes_back(12);
  for (const std::int64_t offset : {12, 13}) EXPECT_EQ(partition->offsets.take(offset), Seen::done) << offset;
  EXPECT_EQ(partition->offsets.take(14), Seen::in_hand) << "its handler runs";
  EXPECT_EQ(partition->offsets.take(15), Seen::done);
  EXPECT_EQ(partition->offsets.take(16), Seen::fresh) << "nobody has begun it";
  EXPECT_EQ(partition->offsets.take(17), Seen::fresh);
}

TEST_F(KafkaPartitionComesBack, AndWhatCouldNotBeCommittedIsStoredAgain) {
  const PartitionPtr partition = comes_back(12);
  assignment_.note_advance(partition);
  EXPECT_EQ(stored(assignment_), (Stored{{"a/0", 14}}));
  assignment_.finish(partition, 14);
  EXPECT_EQ(stored(assignment_), (Stored{{"a/0", 16}}));
}

TEST_F(KafkaPartitionComesBack, AndWhatWasFinishedInBetweenIsDone) {
  const PartitionPtr before = assignment_.remove("a", 0);
  before->offsets.finish(14);
  assignment_.add("a", 0, 12);
  find()->start(12, 20);
  EXPECT_EQ(find()->offsets.take(14), Seen::done);
  EXPECT_EQ(find()->offsets.take(16), Seen::fresh);
}

TEST_F(KafkaPartitionComesBack, AndAnotherHasGoneOnMeanwhile) {
  const PartitionPtr partition = comes_back(17);
  EXPECT_EQ(partition->offsets.take(17), Seen::fresh);
  EXPECT_FALSE(partition->offsets.finish(14)) << "what is in hand of before is no hole";
  EXPECT_TRUE(partition->offsets.finish(17));
  EXPECT_EQ(partition->offsets.advance(), 18);
}

TEST_F(KafkaPartitionComesBack, AndWhatWaitedIsGone) {
  const PartitionPtr partition = comes_back(12);
  partition->offsets.finish(14);
  EXPECT_EQ(partition->offsets.take(18), Seen::fresh) << "16 was compacted away";
  EXPECT_EQ(partition->offsets.next(), 17);
  partition->offsets.finish(18);
  EXPECT_EQ(partition->offsets.next(), 19);
}

TEST_F(KafkaPartitionComesBack, AndWhatWaitedIsGoneAtItsEnd) {
  const PartitionPtr partition = comes_back(12);
  partition->offsets.finish(14);
  partition->offsets.pass(20);
  EXPECT_EQ(partition->offsets.next(), 17);
  EXPECT_EQ(partition->offsets.span(), 0u);
}

TEST_F(KafkaPartitionComesBack, WithNothingDoneWhereTheGroupWasSetBack) {
  const PartitionPtr partition = comes_back(11);
  for (const std::int64_t offset : {11, 13, 14}) EXPECT_EQ(partition->offsets.take(offset), Seen::fresh) << offset;
}

TEST_F(KafkaPartitionComesBack, WithNothingDoneWhereItsEndIsNoFurtherThanWeWere) {
  EXPECT_EQ(comes_back(12, 13)->offsets.take(12), Seen::fresh);
}

TEST(KafkaOffsets, KnowTheirSpanAndWhereItBegins) {
  OffsetTracker offsets;
  for (const std::int64_t offset : {1, 2, 3}) offsets.take(offset);
  offsets.finish(1);
  offsets.finish(3);
  EXPECT_EQ(offsets.span(), 2u);
  EXPECT_EQ(offsets.first_open(), 2);
}

TEST(KafkaLogLimit, SaysAKindOnceAMinuteAndHowOften) {
  LogLimit limit;
  LogLimit::Time now{std::chrono::hours(1)};
  EXPECT_EQ(limit.wants("a", now), "");
  EXPECT_EQ(limit.wants("a", now), std::nullopt);
  EXPECT_EQ(limit.wants("b", now), "");
  now += std::chrono::minutes(1);
  EXPECT_EQ(limit.wants("a", now), " (2 times)");
  now += std::chrono::minutes(1);
  EXPECT_EQ(limit.wants("a", now), "");
}

TEST(KafkaFlow, LeavesMessagesInTheQueueFirst) {
  FlowControl flow;
  EXPECT_TRUE(flow.wants_messages(false));
  EXPECT_EQ(flow.reopen(), FlowControl::State::flowing) << "nothing to look at again";
  EXPECT_FALSE(flow.wants_messages(true));
  EXPECT_FALSE(flow.tick(true));
  EXPECT_FALSE(flow.wants_messages(true));
  EXPECT_EQ(flow.reopen(), FlowControl::State::held);
  EXPECT_EQ(flow.reopen(), FlowControl::State::flowing);
}

TEST(KafkaFlow, PausesAtTheBrokerWhenItLasts) {
  FlowControl flow;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(flow.tick(true));
    EXPECT_FALSE(flow.tick(false)) << "a moment's room is enough";
  }
  EXPECT_FALSE(flow.wants_messages(true));
  EXPECT_FALSE(flow.tick(true));
  EXPECT_TRUE(flow.tick(true));
  EXPECT_FALSE(flow.tick(true)) << "it is paused";
  EXPECT_TRUE(flow.wants_messages(true)) << "rebalances come through the queue";
  EXPECT_EQ(flow.reopen(), FlowControl::State::paused);
  EXPECT_TRUE(flow.wants_messages(false));
}

TEST(KafkaFlow, ARebalanceEndsAPauseAndTheNextTickRenewsIt) {
  FlowControl flow;
  EXPECT_FALSE(flow.rebalanced());
  EXPECT_FALSE(flow.tick(true));
  EXPECT_TRUE(flow.tick(true));
  EXPECT_TRUE(flow.rebalanced());
  EXPECT_FALSE(flow.rebalanced());
  EXPECT_FALSE(flow.wants_messages(true));
  EXPECT_TRUE(flow.tick(true));
  EXPECT_TRUE(flow.rebalanced());
  EXPECT_EQ(flow.reopen(), FlowControl::State::held) << "the queue is to be looked at";
}

}  // namespace
}  // namespace waybill::kafka
