// The ends of a connection lose nothing: a service that drains, and a client that closes.
#include "tcp_rig.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

const std::string k_request = framed(R"({"pattern":"echo","data":"x","id":"1"})");

TEST(TcpEnd, AServiceThatDrainsDeliversItsRepliesToAClientThatSendsOn) {
  TcpRig rig;
  rig.keep = true;
  rig.max_in_flight = 1;
  rig.listen();
  auto client = rig.raw();
  const std::string first = framed(R"({"pattern":"echo","data":")" + std::string(200'000, 'y') + R"(","id":"1"})");
  std::string stream = first;
  while (stream.size() < (2u << 20)) stream += k_request;
  std::size_t sent = 0;
  const auto push = [&] {
    asio::error_code ec;
    if (sent < stream.size()) sent += client.write_some(asio::buffer(stream) + sent, ec);
    return false;
  };
  ASSERT_TRUE(eventually(rig.loop, [&] { return push() || rig.sink.deliveries.size() == 1; }));
  rig.listener->stop_intake();
  TcpRig::echo(rig.sink.deliveries.front());
  rig.sink.deliveries.clear();
  bool is_flushed = false;
  asio::co_spawn(rig.loop, rig.listener->flush(), [&](std::exception_ptr) { is_flushed = true; });
  ASSERT_TRUE(eventually(rig.loop, [&] { return push() || is_flushed; }));
  rig.listener->close();
  bool ended = false;
  const std::string got = rig.talk(
      client, "", [](auto&) { return false; }, &ended);
  EXPECT_GT(got.size(), 200'000u) << "the reply was taken back";
  EXPECT_EQ(rig.sink.delivered, 1u);
}

TEST(TcpEnd, ARequestThatComesTooLateIsRefusedAtOnce) {
  TcpRig rig;
  rig.listen();
  for (const char* framing : {"framing=nest", "framing=binary"}) {
    ASSERT_TRUE(rig.connect(framing));
    rig.listener->stop_intake();
    rig.replies.replies.clear();
    rig.connection->send(rig.request("1", "1"), 0);
    ASSERT_TRUE(eventually(rig.loop, [&] { return rig.replies.replies.size() == 1; })) << framing;
    const Packet& reply = rig.replies.replies[0];
    ASSERT_EQ(reply.kind, PacketKind::error);
    EXPECT_EQ(reply.id.text, "1");
    const Error error = Error::from_peer(reply.payload, *reply.serializer);
    EXPECT_TRUE(error.code() == errc::refused);
    EXPECT_EQ(error.end(), End::rejected);
    rig.connection->close();
    rig.listener->close();
    rig.listen();
  }
  EXPECT_EQ(rig.sink.delivered, 0u);
}

TEST(TcpEnd, WhatAClientFlushedIsHandledThoughRepliesMeetItsClosedEnd) {
  TcpRig rig;
  std::size_t events = 0;
  rig.sink.on_each = [&](Delivery&& delivery) {
    if (delivery.packet.kind == PacketKind::event) {
      ++events;
      return;
    }
    TcpRig::echo(delivery);
  };
  rig.listen();
  ASSERT_TRUE(rig.connect());
  rig.listener->pause();  // so that all of it waits in the system's buffers when the client goes
  const std::string text = "\"" + std::string(10'000, 'x') + "\"";
  for (int i = 0; i < 20; ++i) {
    rig.connection->send(rig.request(std::to_string(i), text), 0);
    for (int k = 0; k < 5; ++k) {
      Packet event = rig.request("", text);
      event.kind = PacketKind::event;
      rig.connection->send(event, 0);
    }
  }
  run_until(rig.loop, rig.connection->flush());
  rig.connection->close();
  rig.connection.reset();
  run_ready(rig.loop);
  rig.listener->resume();
  EXPECT_TRUE(eventually(rig.loop, [&] { return events == 100; })) << events;
}

/// The other side is a program of another kind: it goes away with a reset while bytes of it are still unread here.
TEST(TcpEnd, WhatAClientSentBeforeItsResetIsHandled) {
  TcpRig rig;
  rig.listen();
  auto client = rig.raw();
  rig.talk(client, k_request, [](auto& text) { return !text.empty(); });
  rig.listener->pause();
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += framed(R"({"pattern":"note","data":1})");
  asio::write(client, asio::buffer(k_request + stream));
  run_ready(rig.loop);
  client.set_option(asio::socket_base::linger(true, 0));
  client.close();  // by reset
  rig.listener->resume();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.sink.delivered == 102; })) << rig.sink.delivered;
}

TEST(TcpEnd, AClosedClientThatNobodyAnswersEndsByItself) {
  TcpRig rig;
  asio::ip::tcp::acceptor acceptor(rig.loop, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket accepted(rig.loop);
  acceptor.async_accept(accepted, [](const asio::error_code&) {});
  rig.port = acceptor.local_endpoint().port();
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(eventually(rig.loop, [&] { return accepted.is_open(); }));
  rig.connection->close();
  rig.connection.reset();
  // The server says nothing to its FIN: the loop has work for some seconds and then none.
  EXPECT_TRUE(eventually(rig.loop, [&] {
    rig.loop.poll();
    return rig.loop.stopped();
  }));
}

}  // namespace
}  // namespace waybill::test
