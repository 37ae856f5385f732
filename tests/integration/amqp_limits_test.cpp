// A RabbitMQ of the test's own with a small limit on messages, and with other users: what it refuses costs that message.
#include "support/amqp_admin.hpp"
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <map>

namespace waybill::test {
namespace {

class AmqpLimits : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (broker_url("WAYBILL_TEST_AMQP_URL").empty()) return;
    broker_ = std::make_unique<OwnBroker>("rabbitmq", "WAYBILL_TEST_AMQP_URL");
    if (broker_->url().empty()) return;
    // The first where RabbitMQ 3 looks, the second where 4 does.
    broker_->rabbitmqctl("eval 'application:set_env(rabbit, max_message_size, 100000).'");
    broker_->rabbitmqctl("eval 'persistent_term:put(max_message_size, 100000).'");
    broker_->rabbitmqctl("add_user other other");
    broker_->rabbitmqctl("set_permissions other '.*' '.*' '.*'");
  }
  static void TearDownTestSuite() { broker_.reset(); }
  void SetUp() override {
    const std::string others = broker_url("WAYBILL_TEST_AMQP_URL");
    WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_AMQP_URL");
    ASSERT_FALSE(broker_->url().empty()) << "scripts/brokers.sh up rabbitmq failed";
  }
  std::string url(const std::string& options) const { return broker_->url() + "/?queue=" + queue + options; }
  bool wait_for(std::function<bool()> condition) { return eventually(loop, std::move(condition)); }

  asio::io_context loop{1};
  LogCapture logs;
  const std::string queue = fresh_name();
  static std::unique_ptr<OwnBroker> broker_;
};
std::unique_ptr<OwnBroker> AmqpLimits::broker_;

TEST_F(AmqpLimits, ARequestIsTooLargeAndAReplyIsTooLargeAndNobodyElseNotices) {
  Service service(loop.get_executor(), Config::listen({url("&max_in_flight=8")}));
  service.log_to(logs.sink());
  std::map<std::string, int> handled;
  service.on_request("give", [&handled](std::size_t size) {
    ++handled["give"];
    return std::string(size, 'x');
  });
  service.on_event("innocent", [&handled](const std::string&) -> asio::awaitable<void> {
    ++handled["innocent"];
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::seconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  });
  run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url("")), default_registry(), logs.log());
  run_until(loop, client.connect());
  std::optional<Result<Accepted>> sent;
  client.emit("innocent", std::string("x"), [&sent](const Result<Accepted>& outcome) { sent = outcome; });
  std::map<std::size_t, std::optional<Result<std::string>>> answers;
  for (const std::size_t size : {10u, 200'000u, 20u, 90'000u, 300'000u, 30u}) {
    client.request<std::string>("give", size,
                                [&answers, size](const Result<std::string>& answer) { answers[size] = answer; });
  }
  ASSERT_TRUE(wait_for([&] { return answers.size() == 6 && sent; }));
  for (const auto& [size, answer] : answers) {
    if (size > 100'000) {
      ASSERT_FALSE(*answer) << size;
      EXPECT_TRUE(answer->error().code() == errc::remote) << answer->error().what();
      EXPECT_EQ(answer->error().name(), "too_large");
    } else {
      ASSERT_TRUE(*answer) << size << ": " << answer->error().what();
      EXPECT_EQ((*answer)->size(), size);
    }
  }
  EXPECT_EQ(handled["give"], 6) << "each of them once";
  // Too large on its way there: told, and surely not taken.
  std::optional<Result<std::string>> refused, fine;
  client.request<std::string>("give", std::string(200'000, 'y'),
                              [&refused](const Result<std::string>& answer) { refused = answer; });
  client.request<std::string>("give", std::size_t{7}, [&fine](const Result<std::string>& answer) { fine = answer; });
  ASSERT_TRUE(wait_for([&] { return refused && fine; }));
  ASSERT_FALSE(*refused);
  EXPECT_TRUE(refused->error().code() == errc::too_large) << refused->error().what();
  EXPECT_EQ(refused->error().end(), End::rejected);
  EXPECT_TRUE(*fine) << fine->error().what();
  EXPECT_EQ(handled["innocent"], 1);
  EXPECT_EQ(client.stats().reconnects, 0u);
  EXPECT_FALSE(logs.contains("lost amqp"));
  client.close();
  service.close();
  run_ready(loop);
}

TEST_F(AmqpLimits, AMessageOfAnotherUserIsRetriedAndParked) {
  const std::string parked = queue + ".parked";
  Service service(loop.get_executor(), Config::listen({url("&attempts=3&backoff=1ms&dead_letter=" + parked)}));
  service.log_to(logs.sink());
  int handled = 0;
  service.on_event("bad", [&handled](const std::string&) {
    ++handled;
    throw Error("no");
  });
  run_until(loop, service.start());
  const Url own = Url::parse(broker_->url()).value();
  AmqpAdmin other("amqp://other:other@127.0.0.1:" + std::to_string(own.hosts.front().port));
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_USER_ID_FLAG;
  properties.user_id = amqp_cstring_bytes("other");
  other.publish(queue, R"({"pattern":"bad","data":"x"})", properties);
  std::optional<AmqpAdmin::Message> letter;
  ASSERT_TRUE(wait_for([&] { return (letter = other.get(parked)).has_value(); }));
  EXPECT_EQ(handled, 3);
  EXPECT_NE(letter->headers.find("waybill-user-id=other"), std::string::npos) << letter->headers;
  service.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
