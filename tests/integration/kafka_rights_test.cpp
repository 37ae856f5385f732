// What a Kafka user may not do is said at once and by name.
#include "kafka_admin.hpp"
#include "kafka_rig.hpp"

namespace waybill {
namespace {

using test::events;

/// The user "limited", who may do nothing but what a test allows.
class KafkaRights : public test::Kafka {
 protected:
  void SetUp() override {
    Kafka::SetUp();
    if (IsSkipped()) return;
    auth_ = test::broker_url("WAYBILL_TEST_KAFKA_AUTH_URL");
    WAYBILL_NEEDS_BROKER(auth_, "WAYBILL_TEST_KAFKA_AUTH_URL");
    auth_.replace(auth_.find("waybill:"), 8, "limited:");
    admin_.emplace(base_);
    for (const char* topic : {"one", "other"}) admin_->create(prefix_ + topic, 1);
  }
  void allow(rd_kafka_ResourceType_t type, const std::string& name, rd_kafka_AclOperation_t what) {
    admin_->allow("limited", type, prefix_ + name, what);
  }
  void expect_unauthorized(const Routes& routes, const std::string& named) {
    Service service;
    const auto opened = try_listen(service, auth_ + "/?prefix=" + prefix_ + "&create_topics=false", routes, "g");
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    EXPECT_NE(std::string(opened.error().what()).find(named), std::string::npos) << opened.error().what();
  }

  std::string auth_;
  std::optional<test::KafkaAdmin> admin_;
};

TEST_F(KafkaRights, AGroupThatMayNotBeReadIsNamed) {
  allow(RD_KAFKA_RESOURCE_TOPIC, "one", RD_KAFKA_ACL_OPERATION_READ);
  expect_unauthorized(events("one"), prefix_ + "g-server");
}

TEST_F(KafkaRights, ATopicThatMayNotBeReadIsNamed) {
  allow(RD_KAFKA_RESOURCE_GROUP, "g-server", RD_KAFKA_ACL_OPERATION_READ);
  expect_unauthorized(events("one"), prefix_ + "one");
  allow(RD_KAFKA_RESOURCE_TOPIC, "one", RD_KAFKA_ACL_OPERATION_DESCRIBE);
  expect_unauthorized(events("one"), prefix_ + "one");
}

TEST_F(KafkaRights, OneTopicOfTwoThatMayNotBeReadIsNamed) {
  allow(RD_KAFKA_RESOURCE_GROUP, "g-server", RD_KAFKA_ACL_OPERATION_READ);
  allow(RD_KAFKA_RESOURCE_TOPIC, "one", RD_KAFKA_ACL_OPERATION_READ);
  Routes both = events("one");
  both.push_back(events("other").front());
  expect_unauthorized(both, prefix_ + "other");
}

}  // namespace
}  // namespace waybill
