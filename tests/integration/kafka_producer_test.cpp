// A producer that has failed for good tells what became of everything that it had.
// No unit test: librdkafka's threads crash under the thread sanitizer.
#include "flow/producer.hpp"
#include "protocol/error.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"

#include <gtest/gtest.h>

#include <map>

namespace waybill::kafka {
namespace {

class KafkaProducer : public testing::Test, protected ProducerHooks {
 protected:
  void on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) override {
    EXPECT_TRUE(ends.emplace(ticket, end).second) << "told twice";
    EXPECT_TRUE(make_error(code, "x", end).code() == errc::connection_lost) << rd_kafka_err2str(code);
  }
  void on_producer_error(rd_kafka_resp_err_t, std::string_view, bool is_fatal) override {
    has_failed = has_failed || is_fatal;
  }

  asio::io_context loop{1};
  test::LogCapture logs;
  std::map<Ticket, End> ends;
  bool has_failed = false;
};

TEST_F(KafkaProducer, ThatHasFailedForGoodTellsThatWhatNeverLeftWasNotTaken) {
  Environment environment;
  environment.executor = loop.get_executor();
  environment.log = logs.log();
  Options options;
  options.hosts = {{"127.0.0.1", 1}};
  const auto producer = Producer::make(environment, options, "test", *this).value();
  const std::string value = "x";
  OutgoingRecord record;
  record.content.value = value;
  for (Ticket ticket = 1; ticket <= 3; ++ticket) {
    ASSERT_EQ(producer->send(producer->topic("work"), record, ticket), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  rd_kafka_test_fatal_error(producer->get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made by the test");
  ASSERT_TRUE(test::eventually(loop, [&] { return has_failed; }));
  producer->abandon();
  EXPECT_EQ(ends, (std::map<Ticket, End>{{1, End::rejected}, {2, End::rejected}, {3, End::rejected}}));
  EXPECT_EQ(producer->unsent_bytes(), 0u);
  producer->close();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill::kafka
