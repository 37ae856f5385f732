// Services that stand still with their connections open: clients with binary framing ask for a sign of life.
#include "tcp_rig.hpp"
#include "wire/binary_frame.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using tcp::Sign;

std::string text_of(Sign sign) {
  Buffer out;
  tcp::append_sign(out, sign);
  return std::string(out.view());
}

/// A service that the test plays itself: it reads, when told to, and says what it is told to.
struct PlayedService {
  explicit PlayedService(TcpRig& its_rig)
      : rig(its_rig), acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0}), accepted(rig.loop) {
    acceptor.set_option(asio::socket_base::receive_buffer_size(16 << 10));
  }
  std::unique_ptr<Connection> connect(const std::string& options, KeepingConnectionSink& sink) {
    acceptor.async_accept(accepted, [this](const asio::error_code& ec) {
      ASSERT_FALSE(ec);
      accepted.non_blocking(true);
      say(tcp::k_preface);
    });
    transport = rig.transport("tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "?" + options);
    auto connection = transport->make_connection(rig.environment());
    const Result<void> opened = run_until(rig.loop, connection->open(sink));
    EXPECT_TRUE(opened) << opened.error().what();
    eventually(rig.loop, [&] { return accepted.is_open(); });
    return connection;
  }
  void say(std::string_view bytes) { asio::write(accepted, asio::buffer(bytes)); }
  void say(Sign sign) { say(text_of(sign)); }
  std::string read() {
    char room[65536];
    asio::error_code ec;
    const std::size_t count = accepted.read_some(asio::buffer(room), ec);
    return std::string(room, count);
  }

  TcpRig& rig;
  asio::ip::tcp::acceptor acceptor;
  asio::ip::tcp::socket accepted;
  std::unique_ptr<Transport> transport;
};

const std::string k_asks_soon = "framing=binary&ping_interval=20ms&ping_timeout=200ms";

/// Services that are still served have had the chance to be given up when this one was.
void wait_for_one_that_stands_still(TcpRig& rig) {
  PlayedService service(rig);
  KeepingConnectionSink sink;
  const auto connection = service.connect(k_asks_soon, sink);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !sink.lost.empty(); }));
  connection->close();
}

TEST(TcpAlive, AServiceThatStandsStillIsNoticed) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect(k_asks_soon, rig.replies);
  connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  const Error& error = rig.replies.lost[0];
  EXPECT_TRUE(error.code() == errc::connection_lost);
  EXPECT_NE(std::string(error.what()).find("has not answered for 200 ms"), std::string::npos) << error.what();
  EXPECT_NE(service.read().find(text_of(Sign::ask)), std::string::npos);
  connection->close();
}

TEST(TcpAlive, ASendingClientNoticesItToo) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect(k_asks_soon, rig.replies);
  EXPECT_TRUE(eventually(rig.loop, [&] {
    if (rig.replies.lost.empty()) connection->send(rig.request("1", "1"), 0);  // its system takes them
    return !rig.replies.lost.empty();
  }));
  connection->close();
}

TEST(TcpAlive, OneThatAnswersIsKeptHoweverIdle) {
  TcpRig rig;
  rig.listen();
  ASSERT_TRUE(rig.connect(k_asks_soon));
  wait_for_one_that_stands_still(rig);
  EXPECT_TRUE(rig.replies.lost.empty());
  rig.connection->send(rig.request("1", "1"), 0);
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; }));
}

TEST(TcpAlive, OneThatReadsNothingBecauseItIsBusyIsKept) {
  TcpRig rig;
  rig.max_in_flight = 1;
  rig.keep = true;
  rig.listen();
  ASSERT_TRUE(rig.connect(k_asks_soon));
  rig.connection->send(rig.request("1", "1"), 0);
  ASSERT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
  wait_for_one_that_stands_still(rig);
  EXPECT_TRUE(rig.replies.lost.empty()) << rig.replies.lost[0].what();
  TcpRig::echo(rig.sink.deliveries.front());
  rig.sink.deliveries.clear();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; }));
}

TEST(TcpAlive, OneThatHasSaidThatItPausesIsAskedAnewWhenItReadsOn) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect(k_asks_soon, rig.replies);
  service.say(Sign::pausing);
  wait_for_one_that_stands_still(rig);
  ASSERT_TRUE(rig.replies.lost.empty()) << rig.replies.lost[0].what();
  service.say(Sign::here);
  EXPECT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  connection->close();
}

TEST(TcpAlive, AClientThatReadsNothingItselfBlamesNobody) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect(k_asks_soon, rig.replies);
  connection->pause();
  wait_for_one_that_stands_still(rig);
  EXPECT_TRUE(rig.replies.lost.empty());
  connection->resume();
  EXPECT_TRUE(eventually(rig.loop, [&] { return !rig.replies.lost.empty(); }));
  connection->close();
}

TEST(TcpAlive, AQuestionBehindMuchThatIsSentMayBeLongOnItsWay) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect(k_asks_soon, rig.replies);
  const std::string much = '"' + std::string(8u << 20, 'x') + '"';
  connection->send(rig.request("1", much), 0);
  std::size_t taken = 0;
  asio::steady_timer pause(rig.loop);
  std::function<void()> read_on = [&] {
    taken += service.read().size();
    pause.expires_after(std::chrono::milliseconds(10));
    pause.async_wait([&](const asio::error_code& ec) {
      if (!ec) read_on();
    });
  };
  read_on();
  EXPECT_TRUE(eventually(rig.loop, [&] { return taken >= much.size() || !rig.replies.lost.empty(); }));
  EXPECT_TRUE(rig.replies.lost.empty()) << taken << " bytes: " << rig.replies.lost[0].what();
  pause.cancel();
  connection->close();
}

TEST(TcpAlive, AListenerAnswersAndSaysWhenItPauses) {
  TcpRig rig;
  rig.max_in_flight = 1;
  rig.keep = true;
  rig.listen();
  auto client = rig.raw();
  const std::string ask = text_of(Sign::ask), here = text_of(Sign::here), pausing = text_of(Sign::pausing);
  std::string got = rig.talk(client, std::string(tcp::k_preface) + ask,
                             [&](const std::string& all) { return all.size() >= 4 + here.size(); });
  EXPECT_EQ(got, std::string(tcp::k_preface) + here);
  Buffer request, event;
  tcp::BinaryFrameWriter writer;
  ASSERT_EQ(writer.write(rig.request("1", "1"), 1 << 20, request), "");
  got = rig.talk(client, std::string(request.view()) + ask,
                 [&](const std::string& all) { return all.size() >= here.size(); });
  EXPECT_EQ(got, here) << "it reads a little further than it hands on";
  Packet large = rig.request("", "\"" + std::string(200 << 10, 'x') + "\"");
  large.kind = PacketKind::event;
  ASSERT_EQ(writer.write(large, 1 << 20, event), "");
  got = rig.talk(client, std::string(event.view()) + ask,
                 [&](const std::string& all) { return all.size() >= pausing.size(); });
  EXPECT_EQ(got, pausing) << "and the question is not read";
  rig.sink.deliveries.clear();
  got = rig.talk(client, "", [&](const std::string& all) { return all.size() >= 2 * here.size(); });
  EXPECT_EQ(got, here + here) << "it reads on, and answers";
}

TEST(TcpAlive, NestFramingHasNoQuestions) {
  TcpRig rig;
  PlayedService service(rig);
  const auto connection = service.connect("framing=nest&ping_interval=20ms&ping_timeout=200ms", rig.replies);
  wait_for_one_that_stands_still(rig);
  EXPECT_EQ(service.read(), "");
  connection->close();
}

}  // namespace
}  // namespace waybill::test
