// Messages that only wait (for their next attempt, to be parked, because they were left) hold up no others, whatever the
// prefetch is; on a real RabbitMQ.
#include "amqp_rig.hpp"

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

namespace waybill {
namespace {

amqp_table_entry_t argument(const char* name, std::int32_t value) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_I32;
  entry.value.value.i32 = value;
  return entry;
}
amqp_table_entry_t argument(const char* name, const char* value) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = amqp_cstring_bytes(value);
  return entry;
}
std::string event(const std::string& pattern, const std::string& data) {
  return R"({"pattern":")" + pattern + R"(","data":")" + data + R"("})";
}

/// The parameter: the type of the queue.
class AmqpRoom : public AmqpIntegration, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    AmqpIntegration::SetUp();
    if (!IsSkipped()) queue = fresh_queue();
  }
  void TearDown() override {
    if (service_) service_->close();
    AmqpIntegration::TearDown();
  }
  void serve(const std::string& options) {
    const std::string type = std::string("&queue_type=") + GetParam();
    service_ = std::make_unique<Service>(loop.get_executor(), Config::listen({url("queue=" + queue + type + options)}));
    service_->log_to(logs.sink());
    service_->on_event("good", [this](const std::string& text) -> asio::awaitable<void> {
      most_at_once = std::max(most_at_once, ++at_once);
      for (int turn = 0; turn < 20; ++turn) co_await asio::post(loop, asio::use_awaitable);
      handled.push_back(text);
      --at_once;
    });
    service_->on_event("bad", [this](const std::string& text) {
      handled.push_back(text);
      throw Error("bad");
    });
    service_->on_event("left", [this](const std::string& text, Context& context) {
      handled.push_back(text);
      context.leave();
    });
    test::run_until(loop, service_->start());
  }
  std::size_t count(const std::string& text) const {
    return static_cast<std::size_t>(std::count(handled.begin(), handled.end(), text));
  }

  std::string queue;
  std::vector<std::string> handled;
  int at_once = 0, most_at_once = 0;
  std::unique_ptr<Service> service_;
};

TEST_P(AmqpRoom, ThoseThatWaitForTheirNextAttemptHoldUpNoOthers) {
  serve("&prefetch=2&attempts=3&backoff=1h");
  for (int i = 0; i < 5; ++i) admin->publish(queue, event("bad", "bad"));
  for (int i = 0; i < 10; ++i) admin->publish(queue, event("good", "good"));
  EXPECT_TRUE(wait_for([&] { return count("good") == 10; })) << count("bad") << " failed, " << count("good") << " not";
  EXPECT_EQ(count("bad"), 5u);
  EXPECT_LE(most_at_once, 2);
}

TEST_P(AmqpRoom, ThoseThatWereLeftHoldUpNoOthersAndComeBackAtTheEnd) {
  serve("&prefetch=1");
  for (int i = 0; i < 3; ++i) admin->publish(queue, event("left", "left"));
  admin->publish(queue, event("good", "good"));
  EXPECT_TRUE(wait_for([&] { return count("good") == 1; }));
  service_->close();
  EXPECT_TRUE(wait_for([&] { return admin->ready(queue) == 3u; }));
}

TEST_P(AmqpRoom, OneAtATimeStaysOneAtATimeWhileOthersWait) {
  serve("&prefetch=1&attempts=4&backoff=20ms");
  for (int i = 0; i < 40; ++i) admin->publish(queue, event(i % 4 ? "good" : "bad", i % 4 ? "good" : "bad"));
  EXPECT_TRUE(wait_for([&] { return count("good") == 30 && count("bad") == 40; }))
      << count("good") << " " << count("bad") << " ready " << *admin->ready(queue);
  EXPECT_EQ(most_at_once, 1);
  EXPECT_TRUE(wait_for([&] { return admin->ready(queue) == 0u; }));
}

/// The queue has room again only when the listener takes what is in it.
TEST_P(AmqpRoom, AQueueThatIsFullAndRefusesCopiesIsWorkedOffWithAPrefetchOfOne) {
  amqp_table_entry_t arguments[] = {argument("x-queue-type", GetParam()), argument("x-max-length", 1),
                                    argument("x-overflow", "reject-publish")};
  admin->declare_queue(queue, true, {3, arguments});
  serve("&prefetch=1&attempts=2&backoff=300ms&no_assert=true");
  admin->publish(queue, event("bad", "bad"));
  ASSERT_TRUE(wait_for([&] { return count("bad") == 1; }));
  for (int i = 0; i < 50; ++i) admin->publish(queue, event("good", "good"));  // as many as go in
  EXPECT_TRUE(wait_for([&] { return count("bad") == 2; }));
  EXPECT_GE(count("good"), 1u);
}

/// A quorum queue of this kind refuses to be asked for a message, which costs one link and not one after the other.
TEST_P(AmqpRoom, AQueueWithASingleActiveConsumerIsServed) {
  amqp_table_entry_t arguments[] = {argument("x-queue-type", GetParam()), argument("x-single-active-consumer", 1)};
  arguments[1].value.kind = AMQP_FIELD_KIND_BOOLEAN;
  arguments[1].value.value.boolean = 1;
  admin->declare_queue(queue, true, {2, arguments});
  serve("&prefetch=1&attempts=3&backoff=200ms&no_assert=true");
  for (int i = 0; i < 3; ++i) {
    admin->publish(queue, event("bad", "bad"));
    admin->publish(queue, event("good", "good"));
  }
  EXPECT_TRUE(wait_for([&] { return count("good") >= 3 && count("bad") >= 8 && admin->ready(queue) == 0u; }))
      << count("good") << ' ' << count("bad");
  EXPECT_EQ(logs.count("lost amqp"), logs.contains("single active consumer") ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Queues, AmqpRoom, testing::Values("classic", "quorum"));

}  // namespace
}  // namespace waybill
