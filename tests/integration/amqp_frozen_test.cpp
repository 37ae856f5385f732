// A RabbitMQ of the test's own stands still: it is there, takes connections, and does nothing.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AmqpFrozen : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    if (!broker_url("WAYBILL_TEST_AMQP_URL").empty()) broker_.emplace("rabbitmq", "WAYBILL_TEST_AMQP_URL");
  }
  static void TearDownTestSuite() { broker_.reset(); }
  void SetUp() override {
    const std::string others = broker_url("WAYBILL_TEST_AMQP_URL");
    WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_AMQP_URL");
    ASSERT_FALSE(broker_->url().empty()) << "scripts/brokers.sh up rabbitmq failed";
  }
  std::string url(const std::string& options = {}) const {
    return broker_->url() + "/?queue=" + GetParam() + "&queue_type=" + GetParam() + "&heartbeat=1s&start_timeout=1s" +
           options;
  }
  bool wait_for(std::function<bool()> condition) { return eventually(loop_, k_patience, std::move(condition)); }
  std::shared_ptr<std::optional<Result<int>>> ask(Client& client, const char* what, int value, milliseconds timeout) {
    auto answer = std::make_shared<std::optional<Result<int>>>();
    CallOptions options;
    options.timeout = timeout;
    client.request<int>(what, value, options, [answer](const Result<int>& told) { *answer = told; });
    return answer;
  }
  /// Those who leave while it stands still, on a loop of their own: this ends.
  struct Leaving {
    Leaving(const std::string& url, LogCapture& logs);
    void leave();
    asio::io_context loop{1};
    Service service;
    Client client;
  };

  asio::io_context loop_{1};
  LogCapture logs_;
  static std::optional<OwnBroker> broker_;
};
std::optional<OwnBroker> AmqpFrozen::broker_;

AmqpFrozen::Leaving::Leaving(const std::string& url, LogCapture& logs)
    : service(loop.get_executor(), Config::listen({url})),
      client(loop.get_executor(), ClientConfig::from_url(url + "&timeout=1s"), default_registry(), logs.log()) {
  service.log_to(logs.sink());
  service.on_event("other", [] {});
  run_until(loop, service.start());
  run_until(loop, client.connect());
}

void AmqpFrozen::Leaving::leave() {
  std::optional<Result<void>> flushed;
  std::optional<Result<Accepted>> sent;
  std::optional<Result<DrainReport>> drained;
  client.emit("other", 1, [&sent](const Result<Accepted>& outcome) { sent = outcome; });
  client.flush([&flushed](const Result<void>& outcome) { flushed = outcome; });
  EXPECT_TRUE(eventually(loop, [&] { return flushed.has_value(); }));
  EXPECT_TRUE(flushed && !*flushed) << "nobody has taken it";
  service.drain(seconds(1), [&drained](const Result<DrainReport>& report) { drained = report; });
  EXPECT_TRUE(eventually(loop, [&] { return drained.has_value(); }));
  service.close();
  client.close();
  EXPECT_TRUE(eventually(loop, [&] { return sent.has_value(); }));
  EXPECT_TRUE(sent && !*sent && sent->error().end() == End::unknown) << "it was sent, and nobody has confirmed it";
  loop.restart();
  loop.run_for(k_patience);
  EXPECT_TRUE(loop.stopped()) << "something holds the loop";
}

TEST_P(AmqpFrozen, EndsEveryCallAsWhatItIsLetsGoOfWhoLeavesAndLosesNothing) {
  Service service(loop_.get_executor(), Config::listen({url()}));
  service.log_to(logs_.sink());
  std::map<int, int> unmarked;
  std::set<int> handled;
  service.on_request("twice", [](int value) { return 2 * value; });
  service.on_request("slow", [](int value) -> asio::awaitable<int> {
    asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(500));
    co_await timer.async_wait(asio::use_awaitable);
    co_return value;
  });
  service.on_event("event", [&](int value, Context& context) {
    handled.insert(value);
    if (!context.is_redelivered()) ++unmarked[value];
  });
  run_until(loop_, service.start());
  Client client(loop_.get_executor(), ClientConfig::from_url(url("&timeout=300s")), default_registry(), logs_.log());
  EXPECT_EQ(run_until(loop_, client.request<int>("twice", 1)), 2);
  Leaving leaving(broker_->url() + "/?queue=other&heartbeat=1s&start_timeout=1s", logs_);

  std::set<int> accepted;
  int events = 0;
  int open = 0;
  const auto emit = [&] {
    const int event = ++events;
    ++open;
    client.emit("event", event, [&accepted, &open, event](const Result<Accepted>& outcome) {
      --open;
      if (outcome) accepted.insert(event);
    });
  };
  for (int i = 0; i < 50; ++i) emit();
  const auto in_hand = ask(client, "slow", 2, seconds(60));  // its reply is not to leave any more
  ASSERT_TRUE(wait_for([&] { return !accepted.empty(); }));
  broker_->freeze();  // the loop stands still meanwhile: nobody has noticed
  for (int i = 0; i < 50; ++i) emit();
  const auto hasty = ask(client, "twice", 3, milliseconds(300));
  const auto patient = ask(client, "twice", 4, seconds(60));
  ASSERT_TRUE(wait_for([&] { return hasty->has_value(); }));
  ASSERT_FALSE(**hasty);
  EXPECT_TRUE((*hasty)->error().code() == errc::timeout) << (*hasty)->error().what();
  EXPECT_EQ((*hasty)->error().end(), End::unknown) << "it was sent";
  leaving.leave();

  ASSERT_TRUE(wait_for([&] { return client.status() == Status::interrupted; }));
  ASSERT_TRUE(wait_for([&] { return patient->has_value() && in_hand->has_value(); }));
  for (const auto& answer : {patient, in_hand}) {
    if (*answer && **answer) continue;  // the last reply before it stood still
    EXPECT_TRUE((*answer)->error().code() == errc::connection_lost) << (*answer)->error().what();
    EXPECT_EQ((*answer)->error().end(), End::unknown) << (*answer)->error().what();
  }
  EXPECT_FALSE(**patient);
  for (int i = 0; i < 50; ++i) emit();
  for (int i = 0; i < 3; ++i) {  // for longer than some attempts to come back
    const auto too_late = ask(client, "twice", 5, milliseconds(1'500));
    ASSERT_TRUE(wait_for([&] { return too_late->has_value(); }));
    ASSERT_FALSE(**too_late);
    EXPECT_EQ((*too_late)->error().end(), End::rejected) << "it never left: " << (*too_late)->error().what();
    EXPECT_EQ(client.status(), Status::interrupted);
  }
  const auto waits = ask(client, "twice", 6, seconds(60));

  broker_->thaw();
  EXPECT_TRUE(wait_for([&] { return client.status() == Status::ready; }));
  EXPECT_TRUE(wait_for([&] { return waits->has_value(); }));
  EXPECT_TRUE(*waits && **waits && ***waits == 12) << "it waited for the link";
  EXPECT_EQ(run_until(loop_, client.request<int>("twice", 7)), 14);
  EXPECT_TRUE(wait_for([&] { return open == 0; })) << open << " events without an end";
  EXPECT_EQ(accepted.size(), 150u) << "what was not confirmed is sent again";
  EXPECT_TRUE(wait_for([&] { return handled.size() == 150; })) << handled.size();
  for (const auto& [event, times] : unmarked) EXPECT_LE(times, 1) << "unmarked duplicate of " << event;
  client.close();
  service.close();
  run_ready(loop_);
}

INSTANTIATE_TEST_SUITE_P(Queues, AmqpFrozen, testing::Values("classic", "quorum"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace waybill::test
