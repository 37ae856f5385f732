// What becomes of a Kafka service when its topics change under it, and when members join.
#include "kafka_admin.hpp"
#include "kafka_rig.hpp"

#include <asio/steady_timer.hpp>

#include <map>
#include <set>

namespace waybill {
namespace {

using test::events;

class KafkaTopics : public test::Kafka {
 protected:
  void SetUp() override {
    Kafka::SetUp();
    if (!IsSkipped()) admin_.emplace(base_);
  }
  std::string topic() const { return prefix_ + "work"; }
  void produce(std::int32_t partition, int from, int to) {
    for (int i = from; i < to; ++i) admin_->produce(topic(), partition, std::to_string(i));
  }
  /// A service that counts what it handles.
  std::unique_ptr<Service> count(const std::string& more = "") {
    auto service = std::make_unique<Service>();
    service->sink.on_each = [this](Delivery&& delivery) {
      ++handled_[text_of(delivery.packet)];
      delivery.settle(Settlement::ack);
    };
    try_listen(*service, url("&discovery=100ms" + more), events("work"), "g").value();
    return service;
  }
  bool has_handled(std::size_t many) {
    return wait_for([&] { return handled_.size() >= many; });
  }
  void expect_each_once() {
    for (const auto& [text, times] : handled_) EXPECT_EQ(times, 1) << text;
  }

  std::optional<test::KafkaAdmin> admin_;
  std::map<std::string, int> handled_;
};

TEST_F(KafkaTopics, PartitionsThatAreAddedLoseNothing) {
  admin_->create(topic(), 1);
  const auto service = count();
  produce(0, 0, 10);
  ASSERT_TRUE(has_handled(10));
  admin_->set_partitions(topic(), 3);
  for (const int partition : {1, 2}) produce(partition, 10 * partition, 10 * partition + 10);
  EXPECT_TRUE(has_handled(30)) << handled_.size();
  expect_each_once();
}

TEST_F(KafkaTopics, PartitionsThatAreAddedWhileNobodyListensLoseNothing) {
  admin_->create(topic(), 1);
  auto service = count();
  produce(0, 0, 10);
  ASSERT_TRUE(has_handled(10));
  service.reset();
  test::run_ready(loop_);
  admin_->set_partitions(topic(), 2);
  produce(1, 10, 20);
  service = count();
  EXPECT_TRUE(has_handled(20)) << handled_.size();
  EXPECT_TRUE(logs_.contains(topic() + "/1 is new to the group"));
}

TEST_F(KafkaTopics, ATopicThatIsMadeAnewLosesNothing) {
  admin_->create(topic(), 1);
  const auto service = count();
  produce(0, 0, 10);
  ASSERT_TRUE(has_handled(10));
  deletes_topics_ = true;
  admin_->remove(topic());
  test::run_ready(loop_);
  test::meanwhile(loop_, [&] {
    admin_.emplace(base_);  // one that knows nothing of the old one
    admin_->create(topic(), 1);
    produce(0, 10, 15);  // fewer than the old one had: one that is longer by the first fetch is not seen to be another
  });
  ASSERT_TRUE(has_handled(15)) << handled_.size();
  produce(0, 15, 40);
  EXPECT_TRUE(has_handled(40)) << handled_.size();
}

TEST_F(KafkaTopics, RecordsThatWereDeletedUnreadAreToldWithNumbers) {
  admin_->create(topic(), 1);
  auto service = count();
  produce(0, 0, 5);
  ASSERT_TRUE(has_handled(5));
  service->listener->stop_intake();
  test::run_until(loop_, service->listener->flush());
  service.reset();
  produce(0, 5, 30);
  admin_->remove_records(topic(), 20);
  service = count();
  EXPECT_TRUE(has_handled(15)) << handled_.size();
  EXPECT_EQ(handled_.count("20"), 1u);
  EXPECT_EQ(handled_.count("19"), 0u);
  EXPECT_TRUE(logs_.contains("15 were deleted before they were read"));
}

TEST_F(KafkaTopics, AWildcardFindsTopicsThatAppearOneAfterAnotherWhileRecordsAreInHand) {
  const auto service = listen(events("order.*"), "&partitions=4&discovery=50ms", "g");
  const auto caller = connect("&partitions=4");
  for (const char* route : {"order.a", "order.b", "order.c", "order.d"}) send(*caller, {route, route, "", "", 0});
  EXPECT_TRUE(wait_for([&] { return service->sink.deliveries.size() >= 4; })) << service->sink.deliveries.size();
  test::run_ready(loop_);
  EXPECT_EQ(service->sink.deliveries.size(), 4u);
}

TEST_F(KafkaTopics, RequestsWhoseCallersHaveGoneAreNotWorkedOn) {
  const auto service = listen(test::requests("work"), "", "g");
  admin_->request(topic(), "gone for an hour", 1'000, 3'600'000);
  admin_->request(topic(), "an hour is not too long", 7'200'000, 3'600'000);
  admin_->request(topic(), "clocks differ", 1'000, 3'000);
  ASSERT_TRUE(wait_for([&] { return service->sink.deliveries.size() == 2; }));
  EXPECT_EQ(text_of(service->sink.deliveries[0].packet), "an hour is not too long");
  EXPECT_EQ(text_of(service->sink.deliveries[1].packet), "clocks differ");
  EXPECT_TRUE(logs_.contains("whose caller has gone"));
}

TEST_F(KafkaTopics, DeadLettersAreKeptForGoodWhereWeMakeTheirTopic) {
  Environment parks = environment("g");
  parks.dead_letter = "dead";
  Service service;
  service.transport = test::transport_of(url());
  service.listener = service.transport->make_listener(parks);
  test::run_until(loop_, service.listener->open(events("work"), service.sink)).value();
  EXPECT_EQ(admin_->setting(prefix_ + "dead", "retention.ms"), "-1");
  EXPECT_NE(admin_->setting(topic(), "retention.ms"), "-1") << "of those only";
}

TEST_F(KafkaTopics, AMemberThatJoinsMakesNoRecordRunTwice) {
  constexpr int k_records = 32;
  std::map<std::string, int> begun;
  std::set<std::string> busy_keys;
  const auto slowly = [&](Delivery&& delivery) {
    const std::string key = *delivery.packet.properties.find("key");
    ++begun[text_of(delivery.packet)];
    EXPECT_TRUE(busy_keys.insert(key).second) << key << " has two handlers at once";
    delivery.own();
    const auto timer = std::make_shared<asio::steady_timer>(loop_, std::chrono::milliseconds(300));
    const auto kept = std::make_shared<Delivery>(std::move(delivery));
    timer->async_wait([&busy_keys, key, timer, kept](std::error_code) {
      busy_keys.erase(key);
      kept->settle(Settlement::ack);
    });
  };
  const auto one = listen(events("work"), "&partitions=4", "g");
  one->sink.on_each = slowly;
  const auto caller = connect();
  for (int i = 0; i < k_records; ++i) send(*caller, {"work", std::to_string(i), "", "key-" + std::to_string(i % 8), 0});
  ASSERT_TRUE(wait_for([&] { return begun.size() >= 8; }));
  auto other = std::make_unique<Service>();
  other->sink.on_each = slowly;
  try_listen(*other, url("&partitions=4"), events("work"), "g").value();
  ASSERT_TRUE(wait_for([&] { return begun.size() == k_records && busy_keys.empty(); })) << begun.size();
  for (const auto& [text, times] : begun) EXPECT_EQ(times, 1) << text;
}

}  // namespace
}  // namespace waybill
