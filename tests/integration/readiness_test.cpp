// What /readyz says while brokers do to a program what brokers do: each turns it within three seconds, or a heartbeat.
#if WAYBILL_TEST_AMQP
#include "support/amqp_admin.hpp"
#endif
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/own_broker.hpp"
#include "waybill/application.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

class Readiness : public testing::Test {
 protected:
  ~Readiness() override {
    if (app_) app_->close();
    run_ready(loop_);
  }
  void start(const std::string& url, const std::string& more = {}) {
    const std::string yaml = "log: warning\nlisteners: { inside: \"" + url + "\" }\n" + more;
    app_.emplace(loop_.get_executor(), ApplicationConfig::parse(yaml));
    app_->on_event("seen", [] {});
    app_->on_event("poison", [] { throw Error("bad").permanent(); });
    run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_));
  }
  bool is_ready() { return app_->health().is_ready(); }
  std::string why() {
    std::string all;
    for (const Health::Part& part : app_->health().parts) {
      if (!part.is_ready) all += part.name + ": " + part.why + '\n';
    }
    return all;
  }
  bool turns(bool ready, std::chrono::seconds within) {
    return eventually(loop_, within, [&] { return is_ready() == ready; });
  }
  static std::string unique(const std::string& name) {
    static int count = 0;
    return name + '-' + std::to_string(::getpid()) + '-' + std::to_string(++count);
  }

  asio::io_context loop_{1};
  std::optional<Application> app_;
};

#if WAYBILL_TEST_AMQP
TEST_F(Readiness, AQueueThatIsDeletedIsSeenAndMadeAgain) {
  const std::string broker = broker_url("WAYBILL_TEST_AMQP_URL");
  WAYBILL_NEEDS_BROKER(broker, "WAYBILL_TEST_AMQP_URL");
  const std::string queue = unique("ready");
  start(broker + "/?queue=" + queue);
  ASSERT_TRUE(turns(true, 3s)) << why();
  AmqpAdmin admin(broker);
  admin.delete_queue(queue);
  EXPECT_TRUE(turns(false, 3s));
  EXPECT_NE(why().find("listener inside"), std::string::npos) << why();
  EXPECT_TRUE(turns(true, 3s)) << why();
  app_->close();
  run_ready(loop_);
  admin.delete_queue(queue);
}

TEST_F(Readiness, ADeadLetterQueueThatIsGoneIsToldUntilItIsBack) {
  const std::string broker = broker_url("WAYBILL_TEST_AMQP_URL");
  WAYBILL_NEEDS_BROKER(broker, "WAYBILL_TEST_AMQP_URL");
  const std::string queue = unique("ready");
  start(broker + "/?queue=" + queue + "&dead_letter=" + queue + ".dead&attempts=1");
  ASSERT_TRUE(turns(true, 3s)) << why();
  AmqpAdmin admin(broker);
  admin.delete_queue(queue + ".dead");
  Client client(loop_.get_executor(), broker + "/?queue=" + queue);
  run_until(loop_, client.emit("poison", 1));
  run_until(loop_, client.emit("poison", 2));
  EXPECT_TRUE(turns(false, 3s));
  EXPECT_NE(why().find("dead-letter channel"), std::string::npos) << why();
  EXPECT_TRUE(turns(true, 3s)) << "it is made again: " << why();
  EXPECT_EQ(admin.ready(queue + ".dead").value_or(0), 2u);
  client.close();
  app_->close();
  run_ready(loop_);
  admin.delete_queue(queue);
  admin.delete_queue(queue + ".dead");
}

TEST_F(Readiness, ABrokerThatStandsStillIsToldWithinTwoHeartbeats) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_AMQP_URL"), "WAYBILL_TEST_AMQP_URL");
  OwnBroker broker("rabbitmq", "WAYBILL_TEST_AMQP_URL");
  ASSERT_FALSE(broker.url().empty());
  start(broker.url() + "/?queue=ready&heartbeat=1s&start_timeout=1s");
  ASSERT_TRUE(turns(true, 3s)) << why();
  broker.freeze();
  EXPECT_TRUE(turns(false, 3s));
  broker.thaw();
  EXPECT_TRUE(turns(true, 3s)) << why();
}
#endif

TEST_F(Readiness, ARedisThatStandsStillIsTold) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_REDIS_URL"), "WAYBILL_TEST_REDIS_URL");
  OwnBroker broker("redis", "WAYBILL_TEST_REDIS_URL");
  ASSERT_FALSE(broker.url().empty());
  start(broker.url() + "?ping_interval=1s&ping_timeout=1s");
  ASSERT_TRUE(turns(true, 3s)) << why();
  broker.freeze();
  EXPECT_TRUE(turns(false, 5s));
  broker.thaw();
  EXPECT_TRUE(turns(true, 3s)) << why();
}

#if WAYBILL_TEST_KAFKA
TEST_F(Readiness, PartitionsThatAreTakenAwayAreToldUntilOneIsBack) {
  const std::string broker = broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(broker, "WAYBILL_TEST_KAFKA_URL");
  const std::string group = unique("ready");
  const std::string url = broker + "/?prefix=" + group + ".&partitions=1&group=" + group;
  start(url);
  ASSERT_TRUE(turns(true, 10s)) << why();
  // One partition of each of two topics goes to whose member id comes first: of several more, some take all.
  std::vector<std::unique_ptr<Service>> others;
  bool is_bereft = false;
  for (int i = 0; i < 6 && !is_bereft; ++i) {
    others.push_back(std::make_unique<Service>(loop_.get_executor(), Config::listen({url})));
    others.back()->log_to([](LogLevel, std::string_view) {});
    others.back()->on_event("seen", [] {});
    others.back()->on_event("poison", [] {});
    others.back()->start([](const Result<void>&) {});
    is_bereft = eventually(loop_, 8s, [&] { return why().find("has taken its partitions away") != std::string::npos; });
  }
  EXPECT_TRUE(is_bereft);
  for (const auto& other : others) other->close();
  EXPECT_TRUE(turns(true, 20s)) << why();
}

TEST_F(Readiness, AKafkaThatStandsStillIsTold) {
  WAYBILL_NEEDS_BROKER(broker_url("WAYBILL_TEST_KAFKA_URL"), "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker("kafka", "WAYBILL_TEST_KAFKA_URL");
  ASSERT_FALSE(broker.url().empty());
  start(broker.url() + "/?ping_interval=1s&ping_timeout=500ms");
  ASSERT_TRUE(turns(true, 10s)) << why();
  broker.freeze();
  EXPECT_TRUE(turns(false, 5s));
  EXPECT_NE(why().find("roker"), std::string::npos) << why();
  broker.thaw();
  EXPECT_TRUE(turns(true, 5s)) << why();
}
#endif

}  // namespace
}  // namespace waybill::test
