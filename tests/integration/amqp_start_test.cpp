// How an amqp listener starts, or says in one sentence why it cannot; TLS; several nodes.
#include "amqp_rig.hpp"

namespace waybill {
namespace {

TEST_F(AmqpIntegration, WrongCredentialsAndNamesAreSaidInOneSentence) {
  const std::string queue = fresh_queue();
  const std::string at = "127.0.0.1:" + std::to_string(port());
  const Error password = failure_of("amqp://guest:wrong-secret@" + at + "/?queue=" + queue);
  expect_says(password, errc::unauthorized, {"guest", "password"});
  EXPECT_EQ(std::string(password.what()).find("wrong-secret"), std::string::npos);
  expect_says(failure_of("amqp://guest:guest@" + at + "/nowhere?queue=" + queue), errc::invalid_config,
              {"vhost", "nowhere"});
  admin->declare_queue(queue, false);
  expect_says(failure_of(url("queue=" + queue)), errc::invalid_config, {queue, "durable=false", "durable=true"});
  expect_says(failure_of(url("queue=" + queue + "-missing&no_assert=true")), errc::invalid_config,
              {queue + "-missing", "no_assert"});
}

TEST_F(AmqpIntegration, ArgumentsOfTheQueueAreDeclaredAsTheyAreMeant) {
  const std::string queue = fresh_queue();
  const std::string others =
      "&max_length=1&arguments.x-overflow=reject-publish&arguments.x-single-active-consumer=true"
      "&arguments.x-max-length-bytes=100000";
  const auto client = connect(url("queue=" + queue + others));
  send(*client, "work", "1", 1);
  send(*client, "work", "2", 2);
  ASSERT_TRUE(wait_for([&] { return client->sink.sent.size() == 2; }));
  EXPECT_TRUE(client->sink.sent.find(1)->second) << "the first is accepted";
  EXPECT_FALSE(client->sink.sent.find(2)->second) << "the queue refuses more than one";
  const auto listener = listen(url("queue=" + queue + others), {event_route("work")});
  EXPECT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  std::string differing = others;
  differing.replace(differing.find("reject-publish"), std::string_view("reject-publish").size(), "drop-head");
  expect_says(failure_of(url("queue=" + queue + differing)), errc::invalid_config,
              {queue, "x-overflow=reject-publish", "x-overflow=drop-head"});
}

TEST_F(AmqpIntegration, ServersOfAnotherKindAndNobodyAreSaidInOneSentence) {
  expect_says(failure_of("amqp://127.0.0.1:1/?queue=q"), errc::refused, {"127.0.0.1:1"});
  const std::pair<const char*, const char*> strangers[] = {{"WAYBILL_TEST_REDIS_URL", "a Redis server"},
                                                           {"WAYBILL_TEST_REDIS_TLS_URL", "wants TLS: write amqps://"},
                                                           {"WAYBILL_TEST_KAFKA_URL", "a Kafka broker"},
                                                           {"WAYBILL_TEST_AMQP_TLS_URL", "wants TLS: write amqps://"}};
  for (const auto& [variable, word] : strangers) {
    const std::string other = test::broker_url(variable);
    WAYBILL_NEEDS_BROKER(other, variable);
    const auto host = Url::parse(other).value().hosts.front();
    expect_says(failure_of("amqp://127.0.0.1:" + std::to_string(host.port) + "/?queue=q&start_timeout=1s"),
                errc::invalid_config, {word});
  }
  expect_says(failure_of("amqps://127.0.0.1:" + std::to_string(port()) + "/?queue=q&verify=false"),
              errc::invalid_config, {"without TLS"});
}

TEST_F(AmqpIntegration, TlsIsSpokenAndNamesAreVerified) {
  const std::string tls = test::broker_url("WAYBILL_TEST_AMQP_TLS_URL");
  const std::string ca = test::broker_url("WAYBILL_TEST_CA");
  WAYBILL_NEEDS_BROKER(tls, "WAYBILL_TEST_AMQP_TLS_URL");
  const std::string queue = fresh_queue();
  const std::string options = "/?queue=" + queue + "&ca=" + ca;
  const auto listener = listen(tls + options, {event_route("work")});
  const auto client = connect(tls + options);
  send(*client, "work", std::string(300'000, 'x'), 1);
  ASSERT_TRUE(wait_for([&] { return listener->sink.delivered == 1; }));
  EXPECT_EQ(text_of(listener->sink.deliveries.front()).size(), 300'000u);
  expect_says(failure_of(tls + options + "&server_name=somebody.else"), errc::unauthorized, {"TLS"});
  expect_says(failure_of(tls + "/?queue=" + queue), errc::unauthorized, {"TLS"});
}

TEST_F(AmqpIntegration, AnotherNodeIsTriedWhenOneIsDown) {
  const std::string queue = fresh_queue();
  const std::string hosts = "amqp://guest:guest@127.0.0.1:1,127.0.0.1:" + std::to_string(port());
  for (int i = 0; i < 4; ++i) connect(hosts + "/?queue=" + queue);
}

}  // namespace
}  // namespace waybill
