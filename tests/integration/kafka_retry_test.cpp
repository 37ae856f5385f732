// A listener's intake with librdkafka around it, on the cluster that librdkafka mocks: what a retry sets in motion.
// No unit test: librdkafka's threads crash under the thread sanitizer, which does not see how they are made.
#include "flow/intake.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/url.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::kafka {
namespace {

/// One broker in this process, with a topic "t" of one partition.
class MockCluster {
 public:
  MockCluster() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", nullptr, 0);
    rd_kafka_conf_set(conf, "linger.ms", "60000", nullptr, 0);
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
    rd_kafka_mock_topic_create(cluster(), "t", 1, 1);
    rd_kafka_mock_topic_create(cluster(), "half", 2, 1);
    rd_kafka_mock_partition_set_leader(cluster(), "half", 1, -1);
  }

  std::vector<Url::Host> hosts() const {
    return Url::parse(std::string("kafka://") + rd_kafka_mock_cluster_bootstraps(cluster())).value().hosts;
  }
  /// All of one key, and in one batch: a consumer has all of them or none.
  void produce(int records, std::string_view key = "k") {
    for (int i = 0; i < records; ++i) {
      rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(0),
                        RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()), RD_KAFKA_V_END);
    }
    ASSERT_EQ(rd_kafka_flush(producer_.get(), 20'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  /// The next ones of this kind are answered so.
  void refuse(std::int16_t kind, rd_kafka_resp_err_t error) {
    for (int i = 0; i < 5; ++i) rd_kafka_mock_push_request_errors(cluster(), kind, 1, error);
  }

 private:
  rd_kafka_mock_cluster_t* cluster() const { return rd_kafka_handle_mock_cluster(producer_.get()); }
  Instance producer_;
};

/// Keeps the first record until it is told what to do with it, and acknowledges all others at once.
class Handler final : public IntakeHooks {
 public:
  void on_record(Token token, const rd_kafka_message_t& message, int attempt, bool) override {
    if (message.offset == 0 && attempt == 1) {
      kept = token;
      return;
    }
    ++handled;
    intake->settle(token, Settlement::ack);
  }
  void on_intake_ready() override { is_ready = true; }
  void on_share(std::size_t) override {}
  void on_intake_error(rd_kafka_resp_err_t, std::string_view, bool) override {}

  std::shared_ptr<Intake> intake;
  std::optional<Token> kept;
  int handled = 0;
  bool is_ready = false;
};

TEST(KafkaRetry, LetsGoOnWhatWaitsBehindItEvenWhereItsPartitionWasHeld) {
  constexpr int k_records = 5000;  // more than an intake takes while one key waits
  MockCluster cluster;
  cluster.produce(k_records);
  asio::io_context loop(1);
  Environment environment;
  environment.executor = loop.get_executor();
  environment.max_in_flight = 2;
  Options options;
  options.hosts = cluster.hosts();
  options.retry_backoff = std::chrono::milliseconds(0);
  Handler handler;
  handler.intake = Intake::make(environment, options, {"client", "group"}, handler).value();
  const PartitionList partitions(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(partitions.get(), "t", 0)->offset = 0;
  ClientHooks& client = *handler.intake;
  client.on_rebalance(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, partitions.get());

  ASSERT_TRUE(test::eventually(loop, [&handler] { return handler.kept.has_value(); }));
  test::run_ready(loop);
  EXPECT_TRUE(client.wants_messages()) << "one key holds back its partition, not the others";
  EXPECT_EQ(handler.handled, 0);
  handler.intake->settle(*handler.kept, Settlement::retry);
  EXPECT_TRUE(test::eventually(loop, [&handler] { return handler.handled == k_records; })) << handler.handled;
  handler.intake->close();
  handler.intake.reset();
  test::run_ready(loop);
}

/// An intake with a mock's topic "t" from its first record on.
struct Reading {
  explicit Reading(const MockCluster& cluster) {
    environment.executor = loop.get_executor();
    environment.log = logs.log();
    options.hosts = cluster.hosts();
    handler.intake = Intake::make(environment, options, {"client", "group"}, handler).value();
    const PartitionList partitions(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(partitions.get(), "t", 0)->offset = 0;
    ClientHooks& client = *handler.intake;
    client.on_rebalance(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, partitions.get());
  }
  ~Reading() {
    handler.intake->close();
    handler.intake.reset();
    test::run_ready(loop);
  }
  asio::io_context loop{1};
  test::LogCapture logs;
  Environment environment;
  Options options;
  Handler handler;
};

TEST(KafkaRetry, ARecordThatIsNeverFinishedHoldsItsPartitionBeforeMemoryGrows) {
  constexpr int k_records = 130'000;
  constexpr int k_most = 110'000;  // 100,000, and what was on its way
  MockCluster cluster;
  for (int i = 0; i < k_records; i += 10'000) cluster.produce(10'000, "");
  Reading reading(cluster);
  Handler& handler = reading.handler;
  ASSERT_TRUE(test::eventually(reading.loop, [&] { return reading.logs.contains("t/0 is held"); })) << handler.handled;
  test::run_ready(reading.loop);
  EXPECT_LT(handler.handled, k_most);
  ASSERT_TRUE(handler.kept);
  handler.intake->settle(*handler.kept, Settlement::ack);
  EXPECT_TRUE(test::eventually(reading.loop, [&] { return handler.handled == k_records - 1; })) << handler.handled;
}

TEST(KafkaCommit, ThatFailsIsToldInTheLog) {
  constexpr std::int16_t k_offset_commit = 8;
  MockCluster cluster;
  cluster.produce(2);
  Reading reading(cluster);
  ASSERT_TRUE(test::eventually(reading.loop, [&] { return reading.handler.kept.has_value(); }));
  cluster.refuse(k_offset_commit, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  reading.handler.intake->settle(*reading.handler.kept, Settlement::ack);
  EXPECT_TRUE(test::eventually(reading.loop, [&] { return reading.logs.contains("the group group cannot commit"); }));
  EXPECT_TRUE(reading.logs.contains("what is finished may come again"));
}

TEST(KafkaStart, IsNotHeldUpByAPartitionWithoutALeader) {
  MockCluster cluster;
  test::LogCapture logs;
  asio::io_context loop(1);
  Environment environment;
  environment.executor = loop.get_executor();
  environment.log = logs.log();
  Options options;
  options.hosts = cluster.hosts();
  Handler handler;
  handler.intake = Intake::make(environment, options, {"client", "group"}, handler).value();
  handler.intake->subscribe({"half"}).value();
  EXPECT_TRUE(test::eventually(loop, [&handler] { return handler.is_ready; }));
  EXPECT_TRUE(logs.contains("1 of 2 partitions cannot be read yet (no leader?), half/1"));
  handler.intake->close();
  handler.intake.reset();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill::kafka
