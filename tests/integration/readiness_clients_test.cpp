// What /readyz says of a client that is required, while its answers cannot come: its broker stands still, its link was
// cut, what it reads replies from is gone.
#if WAYBILL_TEST_KAFKA
#include "kafka_admin.hpp"
#endif
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/own_broker.hpp"
#include "waybill/application.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace waybill::test {
namespace {

class RequiredClient : public testing::Test {
 protected:
  ~RequiredClient() override {
    if (app_) app_->close();
    run_ready(loop_);
  }
  /// An application that serves at one URL and calls at another, and has called once.
  void start(const std::string& service, const std::string& client) {
    app_.emplace(loop_.get_executor(), ApplicationConfig::parse("log: warning\nlisteners: { inside: \"" + service +
                                                                "\" }\nclients: { called: \"" + client +
                                                                "\" }\nhealth: { required: [called] }\n"));
    app_->on_request("double", [](int number) { return 2 * number; });
    run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_));
    calls();
    ASSERT_TRUE(turns(true)) << why();
  }
  std::string why() {
    for (const Health::Part& part : app_->health().parts) {
      if (part.name == "client called") return part.is_ready ? std::string() : part.why.empty() ? "?" : part.why;
    }
    return "there is no such part";
  }
  bool turns(bool ready) {
    return eventually(loop_, [&] { return why().empty() == ready; });
  }
  void calls() { EXPECT_EQ(run_until(loop_, app_->client("called").request<int>("double", 21)), 42); }
  void is_told_while_it_stands_still(OwnBroker& broker) {
    broker.freeze();
    EXPECT_TRUE(turns(false));
    broker.thaw();
    EXPECT_TRUE(turns(true)) << why();
    calls();
  }
  static std::string unique(const std::string& name) { return name + '-' + std::to_string(::getpid()); }

  asio::io_context loop_{1};
  std::optional<Application> app_;
};

#if WAYBILL_TEST_AMQP
TEST_F(RequiredClient, WhoseAmqpBrokerStandsStill) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_AMQP_URL"), "WAYBILL_TEST_AMQP_URL");
  OwnBroker broker("rabbitmq", "WAYBILL_TEST_AMQP_URL");
  ASSERT_FALSE(broker.url().empty());
  const std::string url = broker.url() + "/?queue=ready&heartbeat=1s&start_timeout=5s";
  start(url, url);
  is_told_while_it_stands_still(broker);
  meanwhile(loop_, [&broker] { broker.rabbitmqctl("close_all_connections gone"); });
  EXPECT_TRUE(turns(false)) << "its link is there again, and what was on its way is lost";
  EXPECT_TRUE(turns(true)) << why();
}

#endif

TEST_F(RequiredClient, WhoseRedisStandsStill) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_REDIS_URL"), "WAYBILL_TEST_REDIS_URL");
  OwnBroker broker("redis", "WAYBILL_TEST_REDIS_URL");
  ASSERT_FALSE(broker.url().empty());
  const std::string url = broker.url() + "?ping_interval=1s&ping_timeout=1s";
  start(url, url);
  is_told_while_it_stands_still(broker);
  // Those that are subscribed: its other connection stays.
  asio::ip::tcp::socket admin(loop_);
  admin.connect({asio::ip::make_address("127.0.0.1"),
                 static_cast<std::uint16_t>(std::stoi(broker.url().substr(broker.url().rfind(':') + 1)))});
  asio::write(admin, asio::buffer(std::string_view("CLIENT KILL TYPE pubsub\r\n")));
  EXPECT_TRUE(turns(false)) << "its link is there again, and what was on its way is lost";
  EXPECT_TRUE(turns(true)) << why();
  calls();
}

#if WAYBILL_TEST_KAFKA
TEST_F(RequiredClient, WhoseKafkaStandsStill) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_KAFKA_URL"), "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker("kafka", "WAYBILL_TEST_KAFKA_URL");
  ASSERT_FALSE(broker.url().empty());
  const std::string url = broker.url() + "/?ping_interval=1s&ping_timeout=500ms";
  start(url, url);
  is_told_while_it_stands_still(broker);
}

TEST_F(RequiredClient, WhoseReplyTopicIsDeleted) {
  const std::string broker = broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(broker, "WAYBILL_TEST_KAFKA_URL");
  const std::string name = unique("ready");
  const std::string url = broker + "/?prefix=" + name + ".";
  start(url + "&group=" + name, url);
  KafkaAdmin admin(broker);
  admin.remove(name + ".double.reply");
  EXPECT_TRUE(turns(false));
  EXPECT_NE(why().find(name + ".double.reply is gone"), std::string::npos) << why();
  EXPECT_TRUE(turns(true)) << why();
  calls();
}
#endif

}  // namespace
}  // namespace waybill::test
