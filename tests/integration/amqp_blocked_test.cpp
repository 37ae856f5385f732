// A RabbitMQ of the test's own runs short of memory: clients say so, and what they send waits.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <optional>

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
  // Who comes now is let in; nothing of a request leaves the client, so it may be sent again.
  Client hasty(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?queue=work&timeout=500ms"),
               default_registry(), logs.log());
  run_until(loop, hasty.connect());
  EXPECT_EQ(hasty.status(), Status::blocked);
  std::optional<Result<int>> ended;
  hasty.request<int>("ask", 1, [&ended](const Result<int>& reply) { ended = reply; });
  ASSERT_TRUE(eventually(loop, [&] { return ended.has_value(); }));
  ASSERT_FALSE(*ended);
  EXPECT_EQ(ended->error().end(), End::rejected) << ended->error().what();
  hasty.close();
  Client patient(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?queue=work&timeout=300s"),
                 default_registry(), logs.log());
  run_until(loop, patient.connect());
  bool is_answered = false;
  patient.request<int>("ask", 1, [&is_answered](const Result<int>& reply) {
    is_answered = true;
    EXPECT_TRUE(reply) << reply.error().what();
  });

  meanwhile(loop, [&broker] { broker.rabbitmqctl("set_vm_memory_high_watermark 0.4"); });
  ASSERT_TRUE(eventually(loop, [&] { return waiting == 0; }));
  Service late(loop.get_executor(), Config::listen({broker.url() + "/?queue=work"}));
  late.log_to(logs.sink());
  late.on_request("ask", [](int n) { return n; });
  late.on_event("work", [](int) {});
  run_until(loop, late.start());
  EXPECT_TRUE(eventually(loop, [&] { return is_answered; }));
  EXPECT_EQ(patient.status(), Status::ready);
  EXPECT_EQ(patient.stats().reconnects, 0u);
  EXPECT_EQ(client.status(), Status::ready);
  EXPECT_EQ(client.stats().reconnects, 0u);
  client.close();
  patient.close();
  late.close();
  run_ready(loop);
}

/// A link that publishes is not read any more: a listener that acknowledged on it would take nothing until the alarm is
/// over, which then may never be.
TEST(AmqpBlocked, AServiceThatRepliesAndRetriesWorksOnWhileTheBrokerIsShortOfMemory) {
  const std::string others = broker_url("WAYBILL_TEST_AMQP_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_AMQP_URL");
  OwnBroker broker("rabbitmq", "WAYBILL_TEST_AMQP_URL");
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up rabbitmq failed";
  asio::io_context loop(1);
  LogCapture logs;
  asio::steady_timer gate(loop, asio::steady_timer::time_point::max());
  int handled = 0, failed = 0;
  Service service(loop.get_executor(), Config::listen({broker.url() + "/?queue=work&prefetch=1"}));
  service.log_to(logs.sink());
  service.on_request("ask", [&gate](int n) -> asio::awaitable<int> {
    co_await waybill::detail::wait_quietly(gate);
    co_return n;
  });
  service.on_event("work", [&](int) -> asio::awaitable<void> {
    co_await waybill::detail::wait_quietly(gate);
    ++handled;
  });
  service.on_event("fails once", [&](int, Context& context) {
    if (context.attempt() == 1) ++failed;
    if (context.attempt() == 1) throw Error("once");
    ++handled;
  });
  run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?queue=work&timeout=300s"),
                default_registry(), logs.log());
  int answer = 0;
  client.request<int>("ask", 7, [&answer](const Result<int>& reply) { answer = reply ? *reply : -1; });
  for (int i = 0; i < 5; ++i) run_until(loop, client.emit("work", i));
  run_until(loop, client.emit("fails once", 1));

  meanwhile(loop, [&broker] { broker.rabbitmqctl("set_vm_memory_high_watermark absolute 1"); });
  bool is_told = false;
  client.emit("work", 5, [&is_told](const Result<Accepted>&) { is_told = true; });
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::blocked; }));
  gate.expires_at(asio::steady_timer::time_point::min());
  EXPECT_TRUE(eventually(loop, [&] { return handled == 5 && failed == 1; })) << handled << " handled";
  EXPECT_EQ(client.status(), Status::blocked);
  EXPECT_EQ(answer, 0) << "replies wait, and their requests are acknowledged";

  meanwhile(loop, [&broker] { broker.rabbitmqctl("set_vm_memory_high_watermark 0.4"); });
  EXPECT_TRUE(eventually(loop, [&] { return handled == 7; })) << "the retry and what was sent waited: " << handled;
  EXPECT_TRUE(eventually(loop, [&] { return answer == 7; }));
  EXPECT_EQ(run_until(loop, client.request<int>("ask", 8)), 8);
  client.close();
  service.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
