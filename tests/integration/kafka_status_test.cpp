// A Kafka of the test's own is killed and comes back: its clients say so, and requests that never left end as rejected.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace waybill::test {
namespace {

TEST(KafkaStatus, FollowsTheBrokerAndRequestsInBetweenAreSurelyNotTaken) {
  const std::string others = broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker("kafka", "WAYBILL_TEST_KAFKA_URL");
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up kafka failed";
  asio::io_context loop(1);
  LogCapture logs;
  Client client(loop.get_executor(), ClientConfig::from_url(broker.url() + "/?timeout=300s"), default_registry(),
                logs.log());
  run_until(loop, client.connect());
  EXPECT_EQ(client.status(), Status::ready);

  meanwhile(loop, [&broker] { broker.kill(); });
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::blocked; }));
  EXPECT_TRUE(logs.contains("takes no messages for now"));
  CallOptions options;
  options.timeout = std::chrono::milliseconds(300);
  std::optional<Result<int>> outcome;
  client.request<int>("work", 1, options, [&outcome](Result<int> ended) { outcome = std::move(ended); });
  ASSERT_TRUE(eventually(loop, [&] { return outcome.has_value(); }));
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().end(), End::rejected) << outcome->error().what();

  meanwhile(loop, [&broker] { broker.start(); });
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::ready; }));
  client.close();
  run_ready(loop);
}

/// How a request ended.
struct Asked {
  std::optional<Result<int>> outcome;
  std::optional<Error> error() const {
    return outcome && !*outcome ? std::optional<Error>(outcome->error()) : std::nullopt;
  }
};

std::shared_ptr<Asked> ask(Client& client, int value, std::chrono::milliseconds timeout) {
  auto asked = std::make_shared<Asked>();
  CallOptions options;
  options.timeout = timeout;
  client.request<int>("twice", value, options, [asked](Result<int> ended) { asked->outcome = std::move(ended); });
  return asked;
}

TEST(KafkaStatus, FollowsABrokerThatIsFrozenAndCallsMeanwhileEndAsWhatTheyAre) {
  const std::string others = broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker("kafka", "WAYBILL_TEST_KAFKA_URL");
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up kafka failed";
  asio::io_context loop(1);
  LogCapture logs;
  LogCapture service_logs;
  const std::string url = broker.url() + "/?ping_interval=1s&ping_timeout=500ms";
  Service service(loop.get_executor(), Config::listen({url}));
  service.log_to(service_logs.sink());
  service.on_request("twice", [](int value) { return 2 * value; });
  service.on_event("happened", [] {});
  run_until(loop, service.start());
  Client client(loop.get_executor(), ClientConfig::from_url(url + "&timeout=300s"), default_registry(), logs.log());
  Client fresh(loop.get_executor(), ClientConfig::from_url(url + "&timeout=2s"), default_registry(), logs.log());
  run_until(loop, client.connect());
  run_until(loop, fresh.connect());
  const auto before = ask(client, 1, std::chrono::seconds(20));
  ASSERT_TRUE(eventually(loop, [&] { return before->outcome && *before->outcome; }));

  broker.freeze();  // the loop stands still meanwhile: nobody has noticed
  const auto early = ask(client, 2, std::chrono::milliseconds(400));
  const auto first_of_all = ask(fresh, 2, std::chrono::seconds(60));  // it has to find the topics yet
  std::optional<Result<void>> flushed;
  fresh.flush([&flushed](Result<void> outcome) { flushed = std::move(outcome); });
  std::optional<Result<Accepted>> event;
  client.emit("happened", 1, [&event](Result<Accepted> outcome) { event = std::move(outcome); });
  ASSERT_TRUE(eventually(loop, [&] { return early->outcome.has_value(); }));
  ASSERT_TRUE(early->error());
  EXPECT_EQ(early->error()->end(), End::unknown) << early->error()->what();
  ASSERT_TRUE(eventually(loop, [&] { return flushed.has_value(); }));
  ASSERT_FALSE(*flushed);
  EXPECT_NE(std::string(flushed->error().what()), "");
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::blocked; }));
  EXPECT_TRUE(eventually(loop, [&] { return service_logs.contains("no Kafka broker answers"); }));
  const auto late = ask(client, 3, std::chrono::milliseconds(300));
  ASSERT_TRUE(eventually(loop, [&] { return late->outcome.has_value(); }));
  ASSERT_TRUE(late->error());
  EXPECT_EQ(late->error()->end(), End::rejected) << late->error()->what();

  broker.thaw();
  ASSERT_TRUE(eventually(loop, [&] { return client.status() == Status::ready; }));
  EXPECT_TRUE(eventually(loop, [&] { return service_logs.contains("answers again"); }));
  const auto after = ask(client, 4, std::chrono::seconds(60));
  ASSERT_TRUE(eventually(loop, std::chrono::seconds(60), [&] { return after->outcome.has_value(); }));
  ASSERT_TRUE(*after->outcome) << after->error()->what();
  EXPECT_EQ(after->outcome->value(), 8);
  EXPECT_TRUE(eventually(loop, [&] { return event.has_value(); }));
  EXPECT_TRUE(event && *event) << "it was kept";
  client.close();
  fresh.close();
  service.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
