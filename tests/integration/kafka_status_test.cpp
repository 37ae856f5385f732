// A Kafka of the test's own is killed and comes back: its clients say so, and requests that never left end as rejected.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace waybill::test {
namespace {

TEST(KafkaStatus, FollowsTheBrokerAndRequestsInBetweenAreSurelyNotTaken) {
  const std::string others = broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker("kafka", "WAYBILL_TEST_KAFKA_URL");
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up kafka failed";
  asio::io_context loop(1);
  LogCapture logs;
  Client client(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?timeout=300s"), default_registry(),
                logs.log());
  run_until(loop, client.connect());
  EXPECT_EQ(client.status(), Status::ready);

  meanwhile(loop, [&broker] { broker.kill(); });
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::blocked; }));
  EXPECT_TRUE(logs.contains("takes no messages for now"));
  CallOptions options;
  options.timeout = std::chrono::milliseconds(300);
  std::optional<Result<int>> outcome;
  client.request<int>("work", 1, options, [&outcome](Result<int> ended) { outcome = std::move(ended); });
  ASSERT_TRUE(eventually(loop, [&] { return outcome.has_value(); }));
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().end(), End::rejected) << outcome->error().what();

  meanwhile(loop, [&broker] { broker.start(); });
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::ready; }));
  client.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
