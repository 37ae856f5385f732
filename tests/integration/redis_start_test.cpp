// Redis at start: who is let in, what is said to whom is not, and strangers on its port.
#include "redis_rig.hpp"

namespace waybill {
namespace {

using test::Redis;

/// A service on a port that is anything but Redis: says something to whoever connects, or nothing.
class Stranger {
 public:
  Stranger(asio::io_context& loop, std::string says)
      : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}), says_(std::move(says)) {
    accept();
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

 private:
  void accept() {
    acceptor_.async_accept([this](std::error_code ec, asio::ip::tcp::socket socket) {
      if (ec) return;
      if (!says_.empty()) asio::write(socket, asio::buffer(says_));
      guests_.push_back(std::move(socket));
      accept();
    });
  }
  asio::ip::tcp::acceptor acceptor_;
  std::string says_;
  std::vector<asio::ip::tcp::socket> guests_;
};

TEST_F(Redis, UserAndPasswordLetIn) {
  const std::string text = test::broker_url("WAYBILL_TEST_REDIS_AUTH_URL");
  WAYBILL_NEEDS_BROKER(text, "WAYBILL_TEST_REDIS_AUTH_URL");
  const std::string whole = text + "/0?prefix=" + prefix_;
  const auto service = listen(whole, {route("sum")});
  const auto caller = connect(whole);
  service->sink.on_each = [](Delivery&& delivery) { answer(std::move(delivery), "3"); };
  send(*caller, PacketKind::request, "sum", "[1,2]");
  ASSERT_TRUE(wait([&] { return !caller->sink.replies.empty(); }));
  EXPECT_EQ(caller->sink.replies.front().payload.view(), "3");
  EXPECT_EQ(service->listener->address().find("secret"), std::string::npos);
}

TEST_F(Redis, AWrongPasswordIsFatalAtOnce) {
  const std::string host = server_.name + ":" + std::to_string(server_.port);
  const Error wrong = refusal("redis://waybill:wrongsecret@" + host);
  EXPECT_TRUE(wrong.code() == errc::unauthorized) << wrong.what();
  EXPECT_NE(wrong.message().find("user and password"), std::string_view::npos) << wrong.what();
  const Error unknown = refusal("redis://nobody:wrongsecret@" + host);
  EXPECT_TRUE(unknown.code() == errc::unauthorized) << unknown.what();
  // This server wants no password.
  const Error needless = refusal("redis://:wrongsecret@" + host);
  EXPECT_TRUE(needless.code() == errc::unauthorized) << needless.what();
}

TEST_F(Redis, TlsVerifiesTheNameOfTheServer) {
  const std::string text = test::broker_url("WAYBILL_TEST_REDIS_TLS_URL");
  WAYBILL_NEEDS_BROKER(text, "WAYBILL_TEST_REDIS_TLS_URL");
  const std::string ca = "/?ca=" + test::broker_url("WAYBILL_TEST_CA");
  const std::string right = text + ca + "&prefix=" + prefix_;
  const auto service = listen(right, {route("sum")});
  const auto caller = connect(right);
  service->sink.on_each = [](Delivery&& delivery) { answer(std::move(delivery), "3"); };
  for (int i = 0; i < 100; ++i) send(*caller, PacketKind::request, "sum", "1", 0, "id-" + std::to_string(i));
  ASSERT_TRUE(wait([&] { return caller->sink.replies.size() == 100; }));

  const Error misnamed = refusal(text + ca + "&server_name=elsewhere.example");
  EXPECT_TRUE(misnamed.code() == errc::unauthorized) << misnamed.what();
  EXPECT_NE(misnamed.message().find("certificate"), std::string_view::npos) << misnamed.what();
  const Error untrusted = refusal(text);
  EXPECT_TRUE(untrusted.code() == errc::unauthorized) << untrusted.what();
}

TEST_F(Redis, TlsOnOneSideOnlyIsSaid) {
  const std::string text = test::broker_url("WAYBILL_TEST_REDIS_TLS_URL");
  WAYBILL_NEEDS_BROKER(text, "WAYBILL_TEST_REDIS_TLS_URL");
  const Url tls = Url::parse(text).value();
  const Error plain = refusal("redis://127.0.0.1:" + std::to_string(tls.hosts.front().port) + "/?start_timeout=2s");
  EXPECT_NE(plain.message().find("TLS"), std::string_view::npos) << plain.what();
  const Error encrypted = refusal("rediss://127.0.0.1:" + std::to_string(server_.port) + "/?start_timeout=2s");
  EXPECT_NE(encrypted.message().find("TLS"), std::string_view::npos) << encrypted.what();
}

TEST_F(Redis, AStrangerOnThePortIsToldFromRedis) {
  struct Case {
    std::string says;
    errc code;
  };
  for (const Case& each : {Case{"HTTP/1.1 400 Bad Request\r\n\r\n", errc::invalid_config},
                           Case{std::string("AMQP\0\0\x09\x01", 8), errc::invalid_config},
                           Case{"SSH-2.0-OpenSSH_9.2\r\n", errc::invalid_config}, Case{"", errc::refused}}) {
    Stranger stranger(loop_, each.says);
    const Error error = refusal("redis://" + stranger.host() + "/?start_timeout=500ms");
    EXPECT_TRUE(error.code() == each.code) << each.says << ": " << error.what();
    EXPECT_NE(error.message().find("Redis server"), std::string_view::npos) << error.what();
    EXPECT_NE(error.message().find("port"), std::string_view::npos) << error.what();
  }
}

TEST_F(Redis, AnotherBrokerOnThePortIsToldFromRedis) {
  const std::pair<const char*, const char*> strangers[] = {{"WAYBILL_TEST_AMQP_URL", "an AMQP 0-9-1 broker and not"},
                                                           {"WAYBILL_TEST_KAFKA_URL", "a Kafka broker"}};
  for (const auto& [variable, word] : strangers) {
    const std::string other = test::broker_url(variable);
    WAYBILL_NEEDS_BROKER(other, variable);
    const Url url = Url::parse(other).value();
    const Error error = refusal("redis://127.0.0.1:" + std::to_string(url.hosts.front().port) + "/?start_timeout=1s");
    EXPECT_TRUE(error.code() == errc::invalid_config) << error.what();
    EXPECT_NE(error.message().find(word), std::string_view::npos) << error.what();
  }
}

TEST_F(Redis, NobodyOnThePortMayComeLater) {
  const Error error = refusal("redis://127.0.0.1:1");
  EXPECT_TRUE(error.code() == errc::refused) << error.what();
  EXPECT_TRUE(error.is_retryable());
}

TEST_F(Redis, OfSeveralServersOneThatAnswersIsTaken) {
  const std::string hosts = "127.0.0.1:1,127.0.0.1:" + std::to_string(server_.port) + ",127.0.0.1:2";
  const std::string text = "redis://" + hosts + "/?prefix=" + prefix_;
  const auto service = listen(text, {route("a")});
  for (int i = 0; i < 5; ++i) {
    const auto caller = connect(text);
    send(*caller, PacketKind::event, "a", "1", 7);
    ASSERT_TRUE(wait([&] { return caller->sink.sent.size() == 1; }));
    EXPECT_EQ((*caller->sink.sent.begin()).second.value().receivers, 1u);
  }
}

TEST_F(Redis, WhatPubSubCannotDoIsRefused) {
  const auto transport = test::transport_of(url());
  test::KeepingListenerSink sink;
  Environment grouped = environment();
  grouped.group = "workers";
  const auto listener = transport->make_listener(grouped);
  const auto opened = test::run_until(loop_, listener->open({route("a")}, sink));
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::unsupported);
  EXPECT_NE(opened.error().message().find("group=workers"), std::string_view::npos);
  Environment threaded = environment();
  threaded.shares_address = true;
  const auto other = transport->make_listener(threaded);
  const auto refused = test::run_until(loop_, other->open({route("a")}, sink));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("threads"), std::string_view::npos);
}

TEST_F(Redis, MistakesInTheUrlAreAllTold) {
  const auto parsed = Url::parse("redis://user@host/orders?tsl=true&max_message=1&ca=x&ping_timeout=0").value();
  const auto made = default_registry()->make_transport(parsed);
  ASSERT_FALSE(made);
  for (const char* part : {"tls", "max_message", "database", "ping_timeout", "rediss://"})
    EXPECT_NE(made.error().message().find(part), std::string_view::npos) << part << ": " << made.error().message();
}

}  // namespace
}  // namespace waybill
