// Kafka records in flight: order within a key, tokens, retries, lost partitions, how many at most.
#include "flow/in_flight.hpp"
#include "flow/key_lanes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace waybill::kafka {
namespace {

TEST(KafkaLanes, OneAtATimeWithinAKeyAndSideBySideAcrossKeys) {
  KeyLanes lanes;
  EXPECT_TRUE(lanes.enter("a", 1));
  EXPECT_TRUE(lanes.enter("b", 2));
  EXPECT_FALSE(lanes.enter("a", 3));
  EXPECT_FALSE(lanes.enter("a", 4));
  EXPECT_EQ(lanes.leave("a"), 3u);
  EXPECT_EQ(lanes.leave("b"), std::nullopt);
  EXPECT_EQ(lanes.leave("a"), 4u);
  EXPECT_EQ(lanes.leave("a"), std::nullopt);
  EXPECT_EQ(lanes.lanes(), 0u);
  EXPECT_TRUE(lanes.enter("a", 5));
  EXPECT_FALSE(lanes.enter("a", 6));
  lanes.drop("a");
  EXPECT_EQ(lanes.leave("a"), std::nullopt);
  EXPECT_TRUE(lanes.enter("a", 7));
}

using PartitionPtr = std::shared_ptr<Partition>;

PartitionPtr partition(std::int32_t number = 0) { return std::make_shared<Partition>("t", number); }

/// All that may run: they are in hand now.
std::vector<InFlight::Token> started(InFlight& records) {
  std::vector<InFlight::Token> tokens;
  while (const InFlight::Record* record = records.start()) tokens.push_back(record->token);
  return tokens;
}

TEST(KafkaInFlight, AKeyIsInHandOnceAndRecordsWithoutOneWaitForNobody) {
  InFlight records(10);
  const PartitionPtr here = partition();
  for (const char* key : {"k", "k", "", "l"}) records.add(nullptr, here, key);
  for (int i = 0; i < 2; ++i) records.add(nullptr, here, std::nullopt);
  auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 5u) << "all but the second k; a key without bytes is a key";
  records.finish(tokens[0]);
  ASSERT_EQ(started(records).size(), 1u);
  records.add(nullptr, here, "");
  EXPECT_TRUE(started(records).empty());
}

TEST(KafkaInFlight, AKeyOnTwoPartitionsOutlivesTheLossOfOne) {
  InFlight records(10);
  const PartitionPtr kept = partition(0);
  const PartitionPtr lost = partition(1);
  records.add(nullptr, lost, "k");
  for (int i = 0; i < 2; ++i) records.add(nullptr, kept, "k");
  const auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 2u) << "each partition has its own order";
  records.drop_waiting(*lost);
  records.finish(tokens[1]);
  EXPECT_EQ(started(records).size(), 1u);
}

TEST(KafkaInFlight, NoMoreInHandThanAllowed) {
  InFlight records(2);
  const PartitionPtr here = partition();
  EXPECT_FALSE(records.is_full());
  records.add(nullptr, here, std::nullopt);
  EXPECT_FALSE(records.is_full());
  for (int i = 0; i < 2; ++i) records.add(nullptr, here, std::nullopt);
  EXPECT_TRUE(records.is_full());
  const auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 2u);
  records.finish(tokens[0]);
  EXPECT_TRUE(records.is_full()) << "one in hand, one that may run";
  EXPECT_EQ(started(records).size(), 1u);
  records.retry(tokens[1]);
  EXPECT_FALSE(records.is_full());
}

TEST(KafkaInFlight, NoMoreBytesInHandThanAllowedAndOneKeyCountsForItsPartition) {
  InFlight records(1'000, 1'000);
  const PartitionPtr here = partition();
  records.add(nullptr, here, "k", 600);
  records.add(nullptr, here, "k", 600);
  EXPECT_FALSE(records.is_full()) << "only one of them may run";
  EXPECT_EQ(here->waiting_bytes, 1'200u);
  const auto first = started(records);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(here->waiting_bytes, 600u);
  records.add(nullptr, here, std::nullopt, 600);
  EXPECT_TRUE(records.is_full());
  const auto second = started(records);
  ASSERT_EQ(second.size(), 1u);
  records.retry(second[0]);
  EXPECT_FALSE(records.is_full()) << "it waits";
  EXPECT_EQ(here->waiting_bytes, 1'200u);
  records.finish(first[0]);
  EXPECT_FALSE(records.is_full());
  records.add(nullptr, here, std::nullopt, 10);
  EXPECT_TRUE(records.again(second[0]));
  EXPECT_TRUE(records.is_full());
  for (const auto token : started(records)) records.finish(token);
  EXPECT_FALSE(records.is_full());
  EXPECT_EQ(here->waiting_bytes, 0u);
}

TEST(KafkaInFlight, APartitionKnowsHowManyOfItsRecordsWait) {
  InFlight records(1'000);
  const PartitionPtr here = partition(0);
  const PartitionPtr other = partition(1);
  for (int i = 0; i < 5; ++i) records.add(nullptr, here, "k");
  records.add(nullptr, other, "k");
  const auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(here->in_hand, 1u);
  EXPECT_EQ(here->waiting, 4u);
  EXPECT_EQ(other->waiting, 0u);
  records.retry(tokens[0]);
  EXPECT_EQ(here->in_hand, 0u);
  EXPECT_EQ(here->waiting, 5u);
  records.again(tokens[0]);
  records.finish(started(records).at(0));
  EXPECT_EQ(here->in_hand, 0u);
  EXPECT_EQ(here->waiting, 4u);
  records.drop_waiting(*here);
  EXPECT_EQ(here->waiting, 0u);
  EXPECT_EQ(other->in_hand, 1u);
}

TEST(KafkaInFlight, ATokenIsGoodUntilItsRecordIsSettled) {
  InFlight records(10);
  const PartitionPtr here = partition();
  EXPECT_EQ(records.in_hand(0), nullptr);
  records.add(nullptr, here, std::nullopt);
  EXPECT_EQ(records.in_hand(0), nullptr) << "it waits";
  const InFlight::Token first = started(records).at(0);
  ASSERT_NE(records.in_hand(first), nullptr);
  EXPECT_EQ(records.in_hand(first)->partition, here);
  records.finish(first);
  EXPECT_EQ(records.in_hand(first), nullptr);
  records.add(nullptr, here, std::nullopt);  // in the same place
  const InFlight::Token second = started(records).at(0);
  EXPECT_NE(first, second);
  EXPECT_EQ(records.in_hand(first), nullptr);
  EXPECT_NE(records.in_hand(second), nullptr);
  records.clear();
  EXPECT_EQ(records.in_hand(second), nullptr);
  EXPECT_FALSE(records.again(second));
}

TEST(KafkaInFlight, ARetryHoldsBackItsKeyAndNoOther) {
  InFlight records(10);
  const PartitionPtr here = partition();
  for (const char* key : {"k", "k", "l"}) records.add(nullptr, here, key);
  const auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(records.in_hand(tokens[0])->attempt, 1);
  records.retry(tokens[0]);
  EXPECT_EQ(records.in_hand(tokens[0]), nullptr);
  records.finish(tokens[1]);
  EXPECT_TRUE(started(records).empty());
  EXPECT_TRUE(records.again(tokens[0]));
  EXPECT_FALSE(records.again(tokens[0])) << "once for each retry";
  ASSERT_EQ(started(records), (std::vector<InFlight::Token>{tokens[0]}));
  EXPECT_EQ(records.in_hand(tokens[0])->attempt, 2);
  records.finish(tokens[0]);
  EXPECT_EQ(started(records).size(), 1u);
}

TEST(KafkaInFlight, APlaceThatIsUsedAgainKeepsNothing) {
  InFlight records(10);
  const PartitionPtr here = partition();
  records.add(nullptr, here, "k");
  const InFlight::Token first = started(records).at(0);
  records.retry(first);
  records.again(first);
  records.finish(started(records).at(0));
  records.add(nullptr, here, std::nullopt);
  const InFlight::Token second = started(records).at(0);
  EXPECT_EQ(records.in_hand(second)->attempt, 1);
  records.add(nullptr, here, "k");
  EXPECT_EQ(started(records).size(), 1u) << "the second one has no key";
  records.add(nullptr, here, "k");
  records.finish(second);
  EXPECT_TRUE(started(records).empty()) << "nor does it let others of the key go on";
}

TEST(KafkaInFlight, ALostPartitionLeavesOnlyWhatIsInHand) {
  InFlight records(10);
  const PartitionPtr kept = partition(0);
  const PartitionPtr lost = partition(1);
  for (const char* key : {"in hand", "in hand", "retrying"}) records.add(nullptr, lost, key);
  const auto tokens = started(records);
  ASSERT_EQ(tokens.size(), 2u);
  records.retry(tokens[1]);
  records.add(nullptr, lost, "runnable");
  records.add(nullptr, kept, "other");
  records.drop_waiting(*lost);
  EXPECT_FALSE(records.again(tokens[1]));
  ASSERT_NE(records.in_hand(tokens[0]), nullptr);
  const auto others = started(records);
  ASSERT_EQ(others.size(), 1u);
  EXPECT_EQ(records.in_hand(others[0])->partition, kept);
  EXPECT_EQ(lost.use_count(), 2) << "ours and that of the one in hand";
  for (const char* key : {"in hand", "runnable"}) records.add(nullptr, lost, key);  // it has come back
  const auto again = started(records);
  ASSERT_EQ(again.size(), 1u) << "the first key is busy with what was in hand before";
  records.drop(tokens[0]);
  EXPECT_EQ(started(records).size(), 1u);
}

TEST(KafkaInFlight, KeepsItsPromisesInAnyOrderOfEvents) {
  constexpr std::size_t k_most = 6;
  constexpr std::int64_t k_records = 3'000;
  std::mt19937 random(11);
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  InFlight records(k_most);
  std::map<PartitionPtr, int> added;  // an object of its own for the partition shows which record it is
  std::vector<InFlight::Token> in_hand;
  std::vector<InFlight::Token> retrying;
  std::map<int, int> last_of_key;
  int finished = 0;
  const auto key_of = [](int number) { return number % 5; };
  while (finished < k_records) {
    if (static_cast<int>(added.size()) < k_records && !records.is_full()) {
      const int number = static_cast<int>(added.size());
      const PartitionPtr here = partition();
      added.emplace(here, number);
      records.add(nullptr, here, std::to_string(key_of(number)));
    }
    for (const InFlight::Token token : started(records)) in_hand.push_back(token);
    ASSERT_LE(in_hand.size(), k_most);
    const bool is_full_of_retries = in_hand.empty();
    if (!retrying.empty() && (is_full_of_retries || below(3) == 0)) {
      const auto which = retrying.begin() + static_cast<std::ptrdiff_t>(below(retrying.size()));
      ASSERT_TRUE(records.again(*which));
      retrying.erase(which);
    }
    if (in_hand.empty()) continue;
    const auto which = in_hand.begin() + static_cast<std::ptrdiff_t>(below(in_hand.size()));
    const InFlight::Token token = *which;
    in_hand.erase(which);
    if (below(4) == 0) {
      records.retry(token);
      retrying.push_back(token);
      continue;
    }
    const int number = added.at(records.in_hand(token)->partition);
    const auto [last, is_first] = last_of_key.try_emplace(key_of(number), number);
    if (!is_first) {
      ASSERT_EQ(number, std::exchange(last->second, number) + 5) << "the next of its key";
    }
    records.finish(token);
    ++finished;
  }
  EXPECT_TRUE(started(records).empty());
}

}  // namespace
}  // namespace waybill::kafka
