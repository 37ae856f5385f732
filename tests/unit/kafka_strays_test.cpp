// Records whose topic is not there: kept, in order, sent when it is, and not for ever.
#include "flow/strays.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace waybill::kafka {
namespace {

using Codes = std::vector<rd_kafka_resp_err_t>;

class KafkaStrays : public testing::Test, protected StraysOwner {
 protected:
  void find_topic(const std::string& topic, std::function<void(Result<void>)> done) override {
    asked.push_back(topic);
    if (is_there)
      done({});
    else
      done(Error(may_come ? errc::timeout : errc::invalid_config, "no topic", End::rejected));
  }
  void look_at(const std::string&) override { ++looks; }
  rd_kafka_resp_err_t send_stray(const std::string&, const Stray& stray) override {
    const bool is_refused = refused.contains(stray.partition);
    if (is_refused) return refused[stray.partition];
    sent.push_back(stray.ticket);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  void fail_stray(const std::string&, const Stray& stray, rd_kafka_resp_err_t code) override {
    failed.emplace(stray.ticket, code);
  }
  void on_strays_end() override { ++ends; }

  void add(Ticket ticket, std::int32_t partition = 0, bool is_gone = true) {
    const auto why = is_gone ? RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC : RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    strays->add("work", {KeptRecord(IncomingRecord()), partition, std::nullopt, ticket}, why, is_gone);
  }
  void make(std::chrono::milliseconds limit) {
    strays = std::make_shared<Strays>(loop.get_executor(), limit, static_cast<StraysOwner&>(*this));
  }
  template <class Condition>
  bool wait_for(Condition condition) {
    return test::eventually(loop, std::move(condition));
  }

  asio::io_context loop{1};
  std::shared_ptr<Strays> strays;
  bool is_there = true;
  bool may_come = false;
  std::map<std::int32_t, rd_kafka_resp_err_t> refused;  ///< By partition.
  std::vector<std::string> asked;
  std::vector<Ticket> sent;
  std::map<Ticket, rd_kafka_resp_err_t> failed;
  int looks = 0;
  int ends = 0;
};

TEST_F(KafkaStrays, AreSentInOrderWhenTheirTopicIsFound) {
  make(std::chrono::minutes(1));
  for (Ticket ticket = 1; ticket <= 3; ++ticket) add(ticket);
  EXPECT_TRUE(strays->holds("work")) << "what comes now must queue behind them";
  EXPECT_FALSE(strays->holds("other"));
  EXPECT_TRUE(asked.empty()) << "never from within add()";
  ASSERT_TRUE(wait_for([&] { return sent.size() == 3; }));
  EXPECT_EQ(sent, (std::vector<Ticket>{1, 2, 3}));
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_TRUE(strays->empty());
}

TEST_F(KafkaStrays, WaitUntilTheProducerKnowsTheTopicAndHoldBackWhatComesMeanwhile) {
  make(std::chrono::minutes(1));
  refused[0] = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
  add(1);
  ASSERT_TRUE(wait_for([&] { return looks >= 2; }));
  EXPECT_TRUE(strays->holds("work"));
  add(2);
  refused.clear();
  ASSERT_TRUE(wait_for([&] { return sent.size() == 2; }));
  EXPECT_EQ(sent, (std::vector<Ticket>{1, 2}));
}

TEST_F(KafkaStrays, AllFailWhenTheTopicIsNotThereAndCannotBeMade) {
  make(std::chrono::minutes(1));
  is_there = false;
  for (Ticket ticket = 1; ticket <= 2; ++ticket) add(ticket);
  ASSERT_TRUE(wait_for([&] { return failed.size() == 2; }));
  EXPECT_EQ(failed[1], RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(strays->empty());
}

TEST_F(KafkaStrays, AreAskedForAgainWhileNobodyAnswersAndGivenUpInTime) {
  make(std::chrono::milliseconds(250));
  is_there = false;
  may_come = true;
  add(1);
  ASSERT_TRUE(wait_for([&] { return failed.size() == 1; }));
  EXPECT_GE(asked.size(), 2u);
}

TEST_F(KafkaStrays, APartitionThatIsMissingHoldsBackNoOther) {
  make(std::chrono::minutes(1));
  refused[7] = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
  add(1, 7, false);
  EXPECT_FALSE(strays->holds("work"));
  add(2, 0, false);
  ASSERT_TRUE(wait_for([&] { return sent.size() == 1; }));
  EXPECT_EQ(sent.front(), 2u);
  ASSERT_TRUE(wait_for([&] { return failed.size() == 1; })) << "not only after the whole limit";
  EXPECT_EQ(failed[1], RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
}

TEST_F(KafkaStrays, AreForgottenAtTheEnd) {
  make(std::chrono::minutes(1));
  add(1);
  strays->close();
  test::run_ready(loop);
  EXPECT_TRUE(asked.empty());
  EXPECT_TRUE(failed.empty());
}

}  // namespace
}  // namespace waybill::kafka
