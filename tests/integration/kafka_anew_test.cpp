// Topics that are deleted, and made anew, while clients and services use them.
#include "kafka_admin.hpp"
#include "kafka_rig.hpp"

#include <optional>
#include <set>

namespace waybill {
namespace {

using test::events;
using test::requests;

class KafkaAnew : public test::Kafka {
 protected:
  void SetUp() override {
    Kafka::SetUp();
    if (!IsSkipped()) admin_.emplace(base_);
    deletes_topics_ = true;
  }
  std::string topic() const { return prefix_ + "work"; }
  void remove(const std::string& topic) {
    test::meanwhile(loop_, [&] { admin_->remove(topic); });
  }
  void make(const std::string& topic, int partitions = 1) {
    test::meanwhile(loop_, [&] {
      admin_.emplace(base_);  // one that knows nothing of the old one
      admin_->create(topic, partitions);
    });
  }
  Result<Accepted> emit(Caller& caller, const std::string& text, const std::string& partition = {}) {
    const Ticket ticket = ++ticket_;
    send(caller, {"work", text, "", "", ticket, partition});
    if (!wait_for([&] { return caller.sink.sent.contains(ticket); }))
      return Error(errc::timeout, "no word of " + text, End::unknown);
    return caller.sink.sent.find(ticket)->second;
  }
  /// A service that answers each request with its text.
  std::unique_ptr<Service> echo(const std::string& more = "") {
    auto service = listen(requests("work"), more, "g");
    service->sink.on_each = [](Delivery&& delivery) {
      const std::string text = text_of(delivery.packet);
      answer(std::move(delivery), text);
    };
    return service;
  }
  bool is_answered(Caller& caller, const std::string& id) {
    send(caller, {"work", "question", id, "", k_failure_only | ++ticket_});
    return wait_for([&] {
      for (const Packet& reply : caller.sink.replies) {
        if (reply.id.text == id) return true;
      }
      return false;
    });
  }
  void expect_no_failure(const Caller& caller) {
    for (const auto& [ticket, outcome] : caller.sink.sent) {
      if (!outcome) ADD_FAILURE() << outcome.error().what();
    }
  }

  std::optional<test::KafkaAdmin> admin_;
  Ticket ticket_ = 0;
};

TEST_F(KafkaAnew, EventsMakeTheirTopicAgainWhenItWasDeleted) {
  const auto caller = connect();
  for (const char* text : {"before", "after"}) {
    const auto outcome = emit(*caller, text);
    EXPECT_TRUE(outcome) << text << ": " << outcome.error().what();
    remove(topic());
  }
}

TEST_F(KafkaAnew, EventsGoToTheTopicThatWasMadeAnewInOrder) {
  const auto caller = connect();
  ASSERT_TRUE(emit(*caller, "before"));
  remove(topic());
  const auto first = emit(*caller, "into nothing");
  EXPECT_TRUE(first) << first.error().what();
  remove(topic());
  make(topic());
  const auto service = listen(events("work"), "&from_beginning=true", "g");
  std::vector<std::string> order;
  service->sink.on_each = [&order](Delivery&& delivery) {
    order.push_back(text_of(delivery.packet));
    delivery.settle(Settlement::ack);
  };
  for (int i = 0; i < 20; ++i) send(*caller, {"work", std::to_string(i), "", "key", ++ticket_});
  ASSERT_TRUE(wait_for([&] { return order.size() >= 20; })) << order.size();
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(order[i], std::to_string(i));
  expect_no_failure(*caller);
}

TEST_F(KafkaAnew, RequestsAreAnsweredAfterTheirReplyTopicWasDeleted) {
  const auto service = echo();
  const auto caller = connect();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is_answered(*caller, "before " + std::to_string(i)));
  remove(topic() + ".reply");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_answered(*caller, "after " + std::to_string(i))) << i;
  expect_no_failure(*caller);
}

TEST_F(KafkaAnew, RequestsAreAnsweredAfterTheirReplyTopicWasMadeAnew) {
  const auto service = echo();
  const auto caller = connect();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is_answered(*caller, "before " + std::to_string(i)));
  remove(topic() + ".reply");
  make(topic() + ".reply");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_answered(*caller, "after " + std::to_string(i))) << i;
  expect_no_failure(*caller);
}

TEST_F(KafkaAnew, RequestsAreAnsweredAfterTheirTopicWasDeleted) {
  const auto service = echo();
  const auto caller = connect();
  ASSERT_TRUE(is_answered(*caller, "before"));
  remove(topic());
  EXPECT_TRUE(is_answered(*caller, "after"));
  expect_no_failure(*caller);
}

TEST_F(KafkaAnew, APartitionThatWasAddedLaterIsSentTo) {
  const auto caller = connect();
  ASSERT_TRUE(emit(*caller, "before"));
  test::meanwhile(loop_, [&] { admin_->set_partitions(topic(), 3); });
  const auto outcome = emit(*caller, "into the new one", "2");
  EXPECT_TRUE(outcome) << outcome.error().what();
  EXPECT_TRUE(emit(*caller, "after"));
}

TEST_F(KafkaAnew, APartitionThatIsNotThereFailsByItselfAndSoon) {
  const auto caller = connect();
  ASSERT_TRUE(emit(*caller, "before"));
  const Ticket wrong = ++ticket_;
  send(*caller, {"work", "nowhere", "", "", wrong, "7"});
  EXPECT_TRUE(emit(*caller, "right")) << "others do not wait for it";
  EXPECT_EQ(caller->sink.sent.count(wrong), 0u);
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.contains(wrong); }));
  const auto& outcome = caller->sink.sent.find(wrong)->second;
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().end(), End::rejected) << outcome.error().what();
}

TEST_F(KafkaAnew, AListenerBeginsAtTheBeginningOfATopicThatIsLongerThanTheOldOne) {
  admin_->create(topic(), 1);
  std::set<std::string> handled;
  const auto service = listen(events("work"), "", "g");
  service->sink.on_each = [&handled](Delivery&& delivery) {
    handled.insert(text_of(delivery.packet));
    delivery.settle(Settlement::ack);
  };
  for (int i = 0; i < 5; ++i) admin_->produce(topic(), 0, std::to_string(i));
  ASSERT_TRUE(wait_for([&] { return handled.size() == 5; }));
  // Before anybody has noticed.
  admin_->remove(topic());
  admin_.emplace(base_);
  admin_->create(topic(), 1);
  for (int i = 5; i < 55; ++i) admin_->produce(topic(), 0, std::to_string(i));
  EXPECT_TRUE(wait_for([&] { return handled.size() == 55; })) << handled.size();
}

TEST_F(KafkaAnew, AListenerHearsATopicThatComesBackMuchLater) {
  admin_->create(topic(), 1);
  const auto service = listen(events("work"), "&create_topics=false", "g");
  const auto caller = connect();
  ASSERT_TRUE(emit(*caller, "before"));
  ASSERT_TRUE(wait_for([&] { return service->sink.deliveries.size() == 1; }));
  remove(topic());
  ASSERT_TRUE(wait_for([&] { return logs_.contains("has 0 partitions here"); }));
  const auto outcome = emit(*caller, "after");
  EXPECT_TRUE(outcome) << outcome.error().what();
  EXPECT_TRUE(wait_for([&] { return service->sink.deliveries.size() == 2; }));
}

}  // namespace
}  // namespace waybill
