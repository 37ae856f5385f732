// Where a Kafka listener begins to read, and when it may say that it receives.
#include "flow/start_rule.hpp"
#include "protocol/readiness.hpp"

#include <gtest/gtest.h>

namespace waybill::kafka {
namespace {

using Begin = StartRule::Begin;

CommittedOffset known(const char* topic, std::int32_t partition, std::int64_t offset, std::string metadata = {}) {
  return {topic, partition, offset, std::move(metadata)};
}

TEST(KafkaStart, AGroupThatIsNewToATopicBeginsBehindTheNewest) {
  StartRule rule;
  rule.shared_out({known("a", 0, -1), known("a", 1, -1)}, true, 1'000);
  EXPECT_EQ(rule.of(known("a", 1, -1)), Begin::newest);
  EXPECT_EQ(rule.of(known("a", 1, 7)), Begin::committed);
  EXPECT_EQ(rule.of(known("later", 0, -1)), Begin::oldest) << "a topic that a wildcard has found later";
}

TEST(KafkaStart, APartitionThatWasAddedBeginsWithTheOldest) {
  StartRule rule;
  rule.shared_out({known("a", 0, -1)}, true, 1'000);
  rule.note_committed("a");  // the place where we began
  rule.shared_out({known("a", 0, 5), known("a", 1, -1)}, false, 1'100);
  EXPECT_EQ(rule.of(known("a", 1, -1)), Begin::oldest);
  StartRule later;  // another process: it was added while nobody was there
  later.shared_out({known("a", 0, 5), known("a", 1, -1)}, true, 1'200);
  EXPECT_EQ(later.of(known("a", 1, -1)), Begin::oldest);
}

TEST(KafkaStart, ATopicThatWasMadeAnewBeginsWithTheOldest) {
  StartRule rule;
  rule.shared_out({known("a", 0, 12)}, true, 1'000);
  rule.shared_out({known("a", 0, -1)}, false, 1'100);
  EXPECT_EQ(rule.of(known("a", 0, -1)), Begin::oldest);
}

TEST(KafkaStart, ATopicThatTheListenerHasMadeIsReadFromItsOldestRecordOn) {
  StartRule rule;
  rule.note_made("a");
  rule.shared_out({known("a", 0, -1), known("b", 0, -1)}, true, 1'000);
  EXPECT_EQ(rule.of(known("a", 0, -1)), Begin::oldest);
  EXPECT_EQ(rule.of(known("a", 0, 7)), Begin::committed);
  EXPECT_EQ(rule.of(known("b", 0, -1)), Begin::newest);
}

TEST(KafkaStart, MembersThatStartAtTheSameTimeDoNotMistakeEachOther) {
  const std::string mark = StartRule::mark(1'000);
  StartRule rule;
  rule.shared_out({known("a", 0, 3, mark), known("a", 1, -1)}, true, 1'001);
  EXPECT_EQ(rule.of(known("a", 1, -1)), Begin::newest);
  StartRule late;
  late.shared_out({known("a", 0, 3, mark), known("a", 1, -1)}, true, 1'100);
  EXPECT_EQ(late.of(known("a", 1, -1)), Begin::oldest);
}

TEST(KafkaReadiness, ComesOnceWhenTheLastPartitionIsPositioned) {
  Assignment assignment;
  Readiness readiness;
  readiness.subscribed({"a"});
  EXPECT_FALSE(readiness.turns_ready(assignment)) << "the group has not spoken yet";
  const int topic = 0;
  for (const int number : {0, 1}) assignment.add("a", number);
  EXPECT_TRUE(readiness.assigned());
  EXPECT_FALSE(readiness.turns_ready(assignment));
  assignment.find(&topic, "a", 1)->fresh_from = 0;
  EXPECT_FALSE(readiness.turns_ready(assignment));
  assignment.find(&topic, "a", 0)->fresh_from = 9;
  EXPECT_TRUE(readiness.turns_ready(assignment));
  EXPECT_FALSE(readiness.turns_ready(assignment));
  EXPECT_FALSE(readiness.assigned()) << "for the second time";
  EXPECT_FALSE(readiness.turns_ready(assignment));
}

TEST(KafkaReadiness, WaitsLongForAPartitionWithoutALeaderIfNoneHasOneAndElseALittle) {
  Assignment assignment;
  Readiness readiness;
  for (const int number : {0, 1}) assignment.add("a", number);
  readiness.assigned();
  for (int i = 0; i < 10; ++i) readiness.tick();
  EXPECT_FALSE(readiness.turns_ready(assignment)) << "nothing can be read";
  assignment.find("a", 1)->fresh_from = 0;
  EXPECT_TRUE(readiness.turns_ready(assignment));
  Readiness early;
  early.assigned();
  early.tick();
  EXPECT_FALSE(early.turns_ready(assignment)) << "its leader may be elected yet";
}

TEST(KafkaReadiness, NeedsNoPartitionWhereTheGroupGivesNone) {
  Readiness readiness;
  readiness.subscribed({"a"});
  EXPECT_TRUE(readiness.assigned());
  EXPECT_TRUE(readiness.turns_ready(Assignment()));
}

TEST(KafkaReadiness, DoesNotWaitForAGroupThatTellsNothingToWhoGetsNothing) {
  const Assignment none;
  Readiness readiness;
  readiness.subscribed({"a"});
  for (int i = 0; i < 10; ++i) readiness.tick(false);
  EXPECT_FALSE(readiness.turns_ready(none)) << "it has not taken us in yet";
  readiness.tick(true);
  EXPECT_FALSE(readiness.turns_ready(none)) << "our share may be on its way";
  for (int i = 0; i < 3; ++i) readiness.tick(true);
  EXPECT_TRUE(readiness.turns_ready(none));
}

TEST(KafkaReadiness, NeedsNoGroupWhileNoTopicMatchesAnyExpression) {
  const Assignment none;
  Readiness readiness;
  readiness.subscribed({"^a.*", "^b.*", "^a.*"});
  readiness.unmatched("^a.*");
  readiness.unmatched("^a.*");
  EXPECT_FALSE(readiness.turns_ready(none));
  readiness.unmatched("^b.*");
  EXPECT_TRUE(readiness.turns_ready(none));
  EXPECT_FALSE(readiness.assigned()) << "topics that come later are read from their beginning";
  Readiness mixed;
  mixed.subscribed({"^a.*", "b"});
  mixed.unmatched("^a.*");
  EXPECT_FALSE(mixed.turns_ready(none));
}

}  // namespace
}  // namespace waybill::kafka
