// A RabbitMQ of the test's own runs short of memory: clients say so, and what they send waits.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

TEST(AmqpBlocked, IsAStatusAndWhatIsSentWaits) {
  const std::string others = broker_url("WAYBILL_TEST_AMQP_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_AMQP_URL");
  OwnBroker broker("rabbitmq", "WAYBILL_TEST_AMQP_URL");
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up rabbitmq failed";
  asio::io_context loop(1);
  LogCapture logs;
  Client client(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?queue=work&timeout=300s"),
                default_registry(), logs.log());
  run_until(loop, client.connect());

  meanwhile(loop, [&broker] { broker.rabbitmqctl("set_vm_memory_high_watermark absolute 1"); });
  int waiting = 0;
  const auto is_blocked = [&] {
    if (waiting == 0) {  // the broker tells those who send
      ++waiting;
      client.emit("work", 1, [&waiting](const Result<Accepted>& outcome) {
        --waiting;
        EXPECT_TRUE(outcome) << outcome.error().what();
      });
    }
    return client.status() == Status::blocked;
  };
  ASSERT_TRUE(eventually(loop, is_blocked));
  EXPECT_TRUE(logs.contains("takes no messages for now"));
  EXPECT_EQ(waiting, 1);

  meanwhile(loop, [&broker] { broker.rabbitmqctl("set_vm_memory_high_watermark 0.4"); });
  ASSERT_TRUE(eventually(loop, [&] { return waiting == 0; }));
  EXPECT_EQ(client.status(), Status::ready);
  EXPECT_EQ(client.stats().reconnects, 0u);
  client.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
