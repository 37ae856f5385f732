// How kafka starts, or says in one sentence why it cannot.
#include "kafka_rig.hpp"
#include "waybill/waybill.hpp"

#include <functional>
#include <optional>
#include <set>

namespace waybill {
namespace {

using test::events;
using test::Kafka;
using test::requests;

TEST_F(Kafka, AMissingTopicIsNamedWhereNoneMayBeCreated) {
  Service service;
  const auto opened = try_listen(service, url("&create_topics=false"), requests("nowhere"));
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::invalid_config) << opened.error().what();
  EXPECT_NE(std::string(opened.error().what()).find(prefix_ + "nowhere"), std::string::npos) << opened.error().what();
  const auto caller = connect("&create_topics=false");
  send(*caller, {"nowhere", "x", "", "", 3});
  ASSERT_TRUE(wait_for([&] { return caller->sink.sent.count(3) == 1; }));
  const auto& outcome = caller->sink.sent.find(3)->second;
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().end(), End::rejected);
  EXPECT_NE(std::string(outcome.error().what()).find("nowhere"), std::string::npos);
}

TEST_F(Kafka, AnUnreachableBrokerIsRefusedInOneSentence) {
  Caller caller;
  const auto opened = try_connect(caller, "kafka://127.0.0.1:1");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::refused) << opened.error().what();
  EXPECT_NE(std::string(opened.error().what()).find("127.0.0.1:1"), std::string::npos) << opened.error().what();
}

TEST_F(Kafka, AWrongPasswordIsUnauthorizedAtOnceAndTheRightOneIsNot) {
  const std::string auth = test::broker_url("WAYBILL_TEST_KAFKA_AUTH_URL");
  WAYBILL_NEEDS_BROKER(auth, "WAYBILL_TEST_KAFKA_AUTH_URL");
  std::string wrong = auth;
  wrong.replace(wrong.find(":secret@"), 8, ":guess@");
  for (const bool listens : {true, false}) {
    Service service;
    Caller caller;
    const auto opened = listens ? try_listen(service, wrong, events("x")) : try_connect(caller, wrong);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    EXPECT_EQ(std::string(opened.error().what()).find("guess"), std::string::npos);
  }
  Caller caller;
  EXPECT_TRUE(try_connect(caller, auth));
}

TEST_F(Kafka, AMissingPasswordIsGuessed) {
  const std::string auth = test::broker_url("WAYBILL_TEST_KAFKA_AUTH_URL");
  WAYBILL_NEEDS_BROKER(auth, "WAYBILL_TEST_KAFKA_AUTH_URL");
  Caller caller;
  const auto opened = try_connect(caller, "kafka://" + auth.substr(auth.find('@') + 1));
  ASSERT_FALSE(opened);
  EXPECT_NE(std::string(opened.error().what()).find("may want a user and password"), std::string::npos)
      << opened.error().what();
}

TEST_F(Kafka, AnotherBrokerOnThePortIsToldFromKafka) {
  for (const char* variable : {"WAYBILL_TEST_REDIS_URL", "WAYBILL_TEST_REDIS_TLS_URL", "WAYBILL_TEST_AMQP_URL",
                               "WAYBILL_TEST_AMQP_TLS_URL", "WAYBILL_TEST_KAFKA_TLS_URL"}) {
    const std::string other = test::broker_url(variable);
    WAYBILL_NEEDS_BROKER(other, variable);
    const Url parsed = Url::parse(other).value();
    Caller caller;
    const auto opened = try_connect(caller, "kafka://127.0.0.1:" + std::to_string(parsed.hosts.front().port));
    ASSERT_FALSE(opened) << variable;
    EXPECT_TRUE(opened.error().code() == errc::invalid_config) << variable << ": " << opened.error().what();
    const bool is_told = std::string(opened.error().what()).find("Kafka broker") != std::string::npos ||
                         std::string(opened.error().what()).find("kafkas://") != std::string::npos;
    EXPECT_TRUE(is_told) << variable << ": " << opened.error().what();
  }
}

TEST_F(Kafka, TlsVerifiesTheBroker) {
  const std::string tls = test::broker_url("WAYBILL_TEST_KAFKA_TLS_URL");
  WAYBILL_NEEDS_BROKER(tls, "WAYBILL_TEST_KAFKA_TLS_URL");
  Caller trusting;
  EXPECT_TRUE(try_connect(trusting, tls + "/?ca=" + test::broker_url("WAYBILL_TEST_CA")));
  std::string misnamed = tls;
  misnamed.replace(misnamed.find("localhost"), 9,
                   "127.1");  // resolves to the broker, and is no name of its certificate
  for (const std::string& wrong : {tls, misnamed + "/?ca=" + test::broker_url("WAYBILL_TEST_CA")}) {
    Caller stranger;
    const auto opened = try_connect(stranger, wrong);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().code() == errc::unauthorized) << opened.error().what();
    EXPECT_NE(std::string(opened.error().what()).find("certificate"), std::string::npos) << opened.error().what();
  }
}

// The topic is there, and the group has not begun yet.
TEST_F(Kafka, AnEventThatComesWhileTheServiceStartsIsHandledIfTheServiceHasMadeItsTopic) {
  ::waybill::Service service(loop_.get_executor(), Config::listen({url("&partitions=100")}));
  service.log_to(logs_.sink());
  std::set<int> handled;
  service.on_event("made", [&handled](int number) { handled.insert(number); });
  Client client(loop_.get_executor(), ClientConfig::from_url(url("&create_topics=false")), default_registry(),
                logs_.log());
  std::set<int> accepted;
  std::function<void(int)> emit = [&](int number) {
    client.emit("made", number, [&, number](const Result<Accepted>& outcome) {
      if (outcome) accepted.insert(number);
      if (accepted.empty()) return emit(number + 1);
      if (number >= 1000) return;
      for (int more = 1; more <= 300; ++more) emit(1000 * number + more);
    });
  };
  emit(1);
  std::optional<Result<void>> started;
  service.start([&](const Result<void>& outcome) { started = outcome; });
  ASSERT_TRUE(wait_for([&] { return started && accepted.size() > 300; }));
  ASSERT_TRUE(*started) << started->error().what();
  EXPECT_TRUE(wait_for([&] { return handled.size() >= accepted.size(); }))
      << handled.size() << " of " << accepted.size();
  client.close();
  service.close();
}

}  // namespace
}  // namespace waybill
