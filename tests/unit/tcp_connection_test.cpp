// The tcp client over loopback: both framings, tickets, failover, lost links, TLS.
#include "tcp_rig.hpp"

#include <asio/post.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace waybill::test {
namespace {

TEST(TcpConnection, CallsInBothFramingsOnOnePort) {
  TcpRig rig;
  rig.listen();
  for (const char* framing : {"framing=nest", "framing=binary", ""}) {
    ASSERT_TRUE(rig.connect(framing)) << framing;
    rig.replies.replies.clear();
    rig.replies.sent.clear();
    for (int i = 0; i < 100; ++i)
      rig.connection->send(rig.request(std::to_string(i), "{\"n\":" + std::to_string(i) + "}"), 7);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 100; })) << framing;
    for (std::size_t i = 0; i < 100; ++i) {
      EXPECT_EQ(rig.replies.replies[i].id.text, std::to_string(i));
      EXPECT_EQ(rig.replies.replies[i].payload.view(), "{\"n\":" + std::to_string(i) + "}");
      EXPECT_TRUE(rig.replies.replies[i].last);
    }
    EXPECT_EQ(rig.replies.sent.count(7), 100u);
    for (const auto& [ticket, outcome] : rig.replies.sent) EXPECT_TRUE(outcome);
    rig.connection->close();
  }
}

TEST(TcpConnection, TellsOfARequestThatIsGivenUpUnlessItShallNot) {
  TcpRig rig;
  rig.listen();
  rig.keep = true;
  for (const char* options : {"framing=nest", "framing=binary", "framing=nest&tell_cancel=false"}) {
    ASSERT_TRUE(rig.connect(options)) << options;
    rig.connection->send(rig.request("1", "1"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; })) << options;
    EXPECT_TRUE(rig.sink.deliveries[0].is_awaited()) << options;
    rig.connection->forget(Term{"1", false});
    rig.connection->send(rig.request("2", "2"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 2; })) << options;
    EXPECT_EQ(rig.sink.deliveries[0].is_awaited(), std::string_view(options).ends_with("false")) << options;
    EXPECT_TRUE(rig.sink.deliveries[1].is_awaited()) << options;
    rig.sink.deliveries.clear();
    rig.connection->close();
  }
}

TEST(TcpConnection, IsHeardWhenItGivesUpRequestsThatHoldAllPlaces) {
  for (const char* framing : {"framing=nest", "framing=binary"}) {
    TcpRig rig;
    rig.max_in_flight = 4;
    rig.keep = true;
    rig.listen();
    ASSERT_TRUE(rig.connect(framing));
    for (int i = 0; i < 6; ++i) rig.connection->send(rig.request(std::to_string(i), "1"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 4; })) << framing;
    for (int i = 0; i < 5; ++i) rig.connection->forget(Term{std::to_string(i), false});
    ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.sink.deliveries[3].is_awaited(); })) << framing;
    EXPECT_EQ(rig.sink.deliveries.size(), 4u);
    rig.sink.deliveries.clear();
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; })) << framing;
    EXPECT_EQ(rig.sink.deliveries[0].packet.id.text, "5") << "nobody waits for the other one";
    EXPECT_TRUE(rig.sink.deliveries[0].is_awaited());
    rig.connection->send(rig.request("6", "1"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 2; })) << "reading goes on";
  }
}

TEST(TcpConnection, MayGiveUpAsManyRequestsAsAreInHand) {
  TcpRig rig;
  rig.max_in_flight = 5000;
  rig.keep = true;
  rig.listen();
  ASSERT_TRUE(rig.connect());
  constexpr int k_count = 3000;
  for (int i = 0; i < k_count; ++i) rig.connection->send(rig.request(std::to_string(i), "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == k_count; }));
  for (int i = 0; i < k_count; ++i) rig.connection->forget(Term{std::to_string(i), false});
  const auto is_awaited = [](const Delivery& delivery) { return delivery.is_awaited(); };
  const auto& all = rig.sink.deliveries;
  EXPECT_TRUE(eventually(rig.loop, [&] { return std::none_of(all.begin(), all.end(), is_awaited); }));
}

TEST(TcpConnection, MayUseAnIdAgainThatItHasGivenUp) {
  TcpRig rig;
  rig.keep = true;
  rig.listen();
  ASSERT_TRUE(rig.connect());
  for (const char* id : {"long", "1"}) rig.connection->send(rig.request(id, "1"), 0);
  rig.connection->forget(Term{"1", false});
  Packet number = rig.request("1", "2");
  number.id = {"1", true};
  rig.connection->send(number, 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 3; }));
  EXPECT_FALSE(rig.sink.deliveries[1].is_awaited());
  EXPECT_TRUE(rig.sink.deliveries[2].is_awaited()) << "a number is another id than a text";
  rig.connection->send(rig.request("1", "3"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 4; }));
  EXPECT_TRUE(rig.sink.deliveries[3].is_awaited());
}

TEST(TcpConnection, SendsEventsUnderTheirRoute) {
  TcpRig rig;
  rig.listen();
  ASSERT_TRUE(rig.connect("framing=nest"));
  std::string pattern;
  rig.sink.on_each = [&](Delivery&& delivery) { pattern = delivery.packet.pattern.text; };
  Packet event = rig.request("", "1");
  event.kind = PacketKind::event;
  event.pattern = {R"({"b":1,"a":2})", true};
  event.route = R"({"a":2,"b":1})";
  rig.connection->send(event, 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !pattern.empty(); }));
  EXPECT_EQ(pattern, event.route);
}

TEST(TcpConnection, CarriesLargePayloadsBothWays) {
  TcpRig rig;
  rig.listen();
  for (const char* framing : {"framing=nest", "framing=binary"}) {
    ASSERT_TRUE(rig.connect(framing));
    rig.replies.replies.clear();
    std::string text = "\"";
    while (text.size() < (5u << 20)) text += "한글 and ascii 😀 ";
    text += "\"";
    for (int i = 0; i < 3; ++i) rig.connection->send(rig.request(std::to_string(i), text), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 3; })) << framing;
    for (const Packet& reply : rig.replies.replies) EXPECT_EQ(reply.payload.view(), text);
    run_until(rig.loop, rig.connection->flush());
    rig.connection->close();
  }
}

TEST(TcpConnection, RefusesWhatIsTooLargeThroughItsTicket) {
  TcpRig rig;
  rig.listen();
  ASSERT_TRUE(rig.connect("max_frame=1000"));
  rig.connection->send(rig.request("1", "\"" + std::string(2000, 'x') + "\""), 5);
  EXPECT_TRUE(rig.replies.sent.empty()) << "never from within send()";
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.sent.size() == 1; }));
  const auto& outcome = rig.replies.sent.begin()->second;
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().code() == errc::too_large);
  rig.connection->send(rig.request("2", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; })) << "the connection goes on";
}

TEST(TcpConnection, AReplyThatIsTooLargeBecomesAnError) {
  TcpRig rig;
  rig.listen("max_frame=1000");
  ASSERT_TRUE(rig.connect("framing=nest"));
  rig.sink.on_each = [&](Delivery&& delivery) {
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.payload = Slice::copy("\"" + std::string(2000, 'x') + "\"");
    reply.serializer = delivery.packet.serializer;
    reply.id = delivery.packet.id;
    delivery.reply(reply);
  };
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; }));
  EXPECT_EQ(rig.replies.replies[0].kind, PacketKind::error);
}

TEST(TcpConnection, IsToldThatItsMessageWasLargerThanTheServiceTakes) {
  TcpRig rig;
  rig.listen("max_frame=100000");
  for (const char* framing : {"framing=nest", "framing=binary"}) {
    ASSERT_TRUE(rig.connect(framing));
    rig.replies.lost.clear();
    rig.connection->send(rig.request("1", "\"" + std::string(3'000'000, 'x') + "\""), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.lost.size() == 1; })) << framing;
    const std::string text = rig.replies.lost[0].what();
    EXPECT_NE(text.find("max_frame (100000 bytes)"), std::string::npos) << framing << ": " << text;
    EXPECT_EQ(text.find("TLS"), std::string::npos) << text;
    rig.connection->close();
  }
}

TEST(TcpConnection, TriesEveryAddress) {
  TcpRig rig;
  rig.listen();
  asio::ip::tcp::acceptor reserved(rig.loop, {asio::ip::address_v4::loopback(), 0});
  const std::string dead = "127.0.0.1:" + std::to_string(reserved.local_endpoint().port());
  reserved.close();
  for (int i = 0; i < 6; ++i) {  // from a random one on
    ASSERT_TRUE(rig.connect("", "tcp", dead + ",127.0.0.1:" + std::to_string(rig.port)));
    rig.connection->close();
  }
  const Result<void> refused = rig.connect("", "tcp", dead);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code() == errc::refused);
  EXPECT_EQ(refused.error().end(), End::rejected);
  EXPECT_NE(std::string(refused.error().what()).find(dead), std::string::npos);
}

TEST(TcpConnection, TellsOnceThatTheLinkIsLostAndOpensAgain) {
  TcpRig rig;
  rig.listen();
  ASSERT_TRUE(rig.connect());
  rig.keep = true;
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
  const std::uint16_t port = rig.port;
  rig.listener->close();
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  run_ready(rig.loop);
  EXPECT_EQ(rig.replies.lost.size(), 1u);
  EXPECT_TRUE(rig.replies.lost[0].code() == errc::connection_lost);
  EXPECT_FALSE(run_until(rig.loop, rig.connection->open(rig.replies)));

  rig.listening = rig.transport("tcp://127.0.0.1:" + std::to_string(port));
  rig.listener = rig.listening->make_listener(rig.environment());
  ASSERT_TRUE(run_until(rig.loop, rig.listener->open({}, rig.sink)));
  rig.keep = false;
  ASSERT_TRUE(run_until(rig.loop, rig.connection->open(rig.replies)));
  rig.connection->send(rig.request("2", "2"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; }));
}

TEST(TcpConnection, BinaryFramingTowardsAServerThatDoesNotSpeakItIsAClearError) {
  TcpRig rig;
  asio::ip::tcp::acceptor acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket accepted(rig.loop);
  acceptor.async_accept(accepted, [](const asio::error_code&) {});
  rig.port = acceptor.local_endpoint().port();
  const Result<void> opened = rig.connect("framing=binary&dial_timeout=100ms");
  ASSERT_FALSE(opened);
  EXPECT_NE(std::string(opened.error().what()).find("framing=nest"), std::string::npos);
}

TEST(TcpConnection, EndsWhenTheServerBreaksTheProtocol) {
  for (const char* bytes : {"abc#{}", "3#{a}"}) {
    TcpRig rig;
    asio::ip::tcp::acceptor acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket accepted(rig.loop);
    acceptor.async_accept(accepted, [](const asio::error_code&) {});
    rig.port = acceptor.local_endpoint().port();
    ASSERT_TRUE(rig.connect());
    ASSERT_TRUE(eventually(rig.loop, [&] { return accepted.is_open(); }));
    asio::write(accepted, asio::buffer(std::string(bytes)));
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.lost.size() == 1; }));
    EXPECT_TRUE(rig.replies.lost[0].code() == errc::connection_lost);
  }
}

TEST(TcpConnection, CloseEndsAnOpenThatIsUnderWay) {
  for (const bool has_begun : {false, true}) {
    TcpRig rig;
    asio::ip::tcp::acceptor acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket accepted(rig.loop);
    auto connection = [&] {
      rig.calling =
          rig.transport("tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "?framing=binary");
      return rig.calling->make_connection(rig.environment());
    }();
    auto end = [&] {
      connection->close();
      connection.reset();  // the operation must not need it
    };
    if (has_begun) {
      acceptor.async_accept(accepted, [&](const asio::error_code&) { end(); });
    } else {
      asio::post(rig.loop, end);
    }
    EXPECT_FALSE(run_until(rig.loop, connection->open(rig.replies)));
  }
}

TEST(TcpConnection, EveryMistakeOfAUrlIsTold) {
  TcpRig rig;
  auto url = Url::parse("tcp://user:secret@localhost/path?framing=nset&max_frmae=1&ca=x.pem");
  ASSERT_TRUE(url);
  const auto made = rig.registry_transport(*url);
  ASSERT_FALSE(made);
  const std::string text = made.error().what();
  for (const char* part : {"framing", "max_frame", "TLS", "user", "path"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  EXPECT_EQ(text.find("secret"), std::string::npos);
  const auto unverified = rig.registry_transport(Url::parse("tcp://localhost?verify=false").value());
  ASSERT_FALSE(unverified);
  EXPECT_NE(std::string(unverified.error().what()).find("verify: needs TLS"), std::string::npos);
}

TEST(TcpConnection, AClosedOneLeavesItsLoopNothingToDo) {
  TcpRig rig;
  rig.listen();
  asio::io_context own(1);
  Environment environment = rig.environment();
  environment.executor = own.get_executor();
  const auto transport = rig.transport("tcp://127.0.0.1:" + std::to_string(rig.port));
  const auto connection = transport->make_connection(std::move(environment));
  meanwhile(rig.loop, [&] { ASSERT_TRUE(run_until(own, connection->open(rig.replies))); });
  rig.keep = true;
  connection->send(rig.request("1", "\"x\""), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] {
    run_ready(own);
    return rig.sink.deliveries.size() == 1;
  }));
  connection->close();
  run_ready(own);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.sink.deliveries.front().source().is_connected(); }));
  run_ready(rig.loop);  // says its own end
  for (int turns = 0; turns < 1000 && !own.stopped(); ++turns) run_ready(own);
  EXPECT_TRUE(own.stopped());
}

TEST(TcpConnection, CapabilitiesAreTheTruth) {
  TcpRig rig;
  const Capabilities can = rig.transport("tcp://localhost")->capabilities();
  EXPECT_EQ(can.wildcards, Support::emulated);
  EXPECT_EQ(can.groups, Support::impossible);
  EXPECT_EQ(can.redelivery, Support::impossible);
  EXPECT_EQ(can.headers, Support::emulated);
  EXPECT_EQ(rig.transport("tcp://localhost?framing=binary")->capabilities().headers, Support::native);
}

}  // namespace
}  // namespace waybill::test
