// The tcp listener over loopback: what NestJS's server does with raw bytes, and the bounds on its peers.
#include "tcp_rig.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace waybill::test {
namespace {

const std::string k_request = R"({"pattern":"echo","data":"x","id":"1"})";
const std::string k_reply = framed(R"({"response":"x","isDisposed":true,"id":"1"})");

std::string requests(int count) {
  std::string stream;
  for (int i = 0; i < count; ++i) stream += framed(k_request);
  return stream;
}

TEST(TcpListener, AnswersFramesHoweverTheyAreSplit) {
  TcpRig rig;
  rig.listen();
  const std::string stream = framed(k_request) + framed(k_request);
  auto socket = rig.raw();
  for (std::size_t i = 0; i <= stream.size(); i += 7) {
    const std::size_t before = rig.sink.delivered;
    rig.talk(socket, stream.substr(0, i), [&](const std::string&) { return true; });
    run_ready(rig.loop);
    const std::string first = rig.talk(socket, "", [](const std::string&) { return true; });
    const std::string rest = rig.talk(socket, stream.substr(i), [&](const std::string& got) {
      return first.size() + got.size() >= 2 * k_reply.size();
    });
    EXPECT_EQ(first + rest, k_reply + k_reply) << i;
    EXPECT_EQ(rig.sink.delivered, before + 2);
  }
}

TEST(TcpListener, EndsAConnectionThatSendsBrokenJsonAndDropsUnwrittenReplies) {
  TcpRig rig;
  rig.listen();
  auto socket = rig.raw();
  bool ended = false;
  const std::string got = rig.talk(
      socket, framed(k_request) + "3#{a}" + framed(k_request), [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
  EXPECT_EQ(got, "");
  EXPECT_EQ(rig.sink.delivered, 1u);
  auto other = rig.raw();
  EXPECT_EQ(rig.talk(other, framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); }), k_reply);
}

TEST(TcpListener, DropsForeignMessagesAndGoesOn) {
  TcpRig rig;
  rig.listen();
  auto socket = rig.raw();
  const std::string stream = "4#null1#72#{}3#\"s\"5#[1,2]" + framed(k_request);
  EXPECT_EQ(rig.talk(socket, stream, [](auto& text) { return text.size() >= k_reply.size(); }), k_reply);
  EXPECT_EQ(rig.sink.delivered, 1u);
}

TEST(TcpListener, AnswersFinWithFinAfterTheRepliesThatWereWritten) {
  TcpRig rig;
  rig.listen();
  auto socket = rig.raw();
  asio::write(socket, asio::buffer(framed(k_request)));
  socket.shutdown(asio::socket_base::shutdown_send);
  bool ended = false;
  EXPECT_EQ(rig.talk(
                socket, "", [](auto&) { return false; }, &ended),
            k_reply);
  EXPECT_TRUE(ended);

  rig.keep = true;  // a handler that is still busy when the client says FIN is not waited for
  auto slow = rig.raw();
  asio::write(slow, asio::buffer(framed(k_request)));
  slow.shutdown(asio::socket_base::shutdown_send);
  EXPECT_EQ(rig.talk(
                slow, "", [](auto&) { return false; }, &ended),
            "");
  EXPECT_TRUE(ended);
  ASSERT_EQ(rig.sink.deliveries.size(), 1u);
  EXPECT_FALSE(rig.sink.deliveries.front().source().is_connected());
  TcpRig::echo(rig.sink.deliveries.front());  // dropped, nothing breaks
}

TEST(TcpListener, StopsReadingAPeerWithTooManyRequestsInFlight) {
  TcpRig rig;
  rig.max_in_flight = 4;
  rig.keep = true;
  rig.listen();
  auto socket = rig.raw();
  rig.talk(socket, requests(20), [&](auto&) { return rig.sink.deliveries.size() >= 4; });
  run_ready(rig.loop);
  EXPECT_EQ(rig.sink.deliveries.size(), 4u);
  std::string got;
  std::size_t answered = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    EXPECT_LE(rig.sink.deliveries.size(), 4u);
    while (!rig.sink.deliveries.empty()) {
      Delivery delivery = rig.sink.take();
      TcpRig::echo(delivery);
      ++answered;
    }
    return answered == 20;
  }));
  got = rig.talk(socket, "", [](auto& text) { return text.size() >= 20 * k_reply.size(); });
  EXPECT_EQ(got.size(), 20 * k_reply.size());
}

TEST(TcpListener, ServesOthersBesideRequestsThatLastForLong) {
  TcpRig rig;
  rig.max_in_flight = 8;
  rig.keep = true;
  rig.listen();
  auto socket = rig.raw();
  rig.talk(socket, requests(20), [&](auto&) { return rig.sink.deliveries.size() == 8; });
  std::size_t answered = 0;
  EXPECT_TRUE(eventually(rig.loop, [&] {
    EXPECT_LE(rig.sink.deliveries.size(), 8u);
    while (rig.sink.deliveries.size() > 7) {  // the first seven stay
      TcpRig::echo(rig.sink.deliveries.back());
      rig.sink.deliveries.pop_back();
      ++answered;
    }
    return answered == 13;
  })) << answered;
}

TEST(TcpListener, EndsFramesThatAreNotFinishedInTime) {
  TcpRig rig;
  rig.listen("incompleteMessageTimeout=60ms");
  auto silent = rig.raw();
  auto idle = rig.raw();
  bool ended = false;
  rig.talk(idle, framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); });
  rig.talk(
      silent, "50#{\"a\":1", [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
  EXPECT_EQ(rig.talk(idle, framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); }), k_reply)
      << "silence between frames is fine";
}

TEST(TcpListener, EndsFramesWhoseBytesDrip) {
  TcpRig rig;
  rig.listen("incompleteMessageTimeout=10s&frame_timeout=80ms");
  auto socket = rig.raw();
  asio::write(socket, asio::buffer(std::string("100000#{")));
  bool ended = false;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    asio::error_code ec;
    socket.write_some(asio::buffer(" ", 1), ec);
    char byte;
    socket.read_some(asio::buffer(&byte, 1), ec);
    ended = ec && ec != asio::error::would_block;
    return ended;
  }));
}

TEST(TcpListener, EndsAFrameThatWasUnfinishedBeforeAPause) {
  TcpRig rig;
  rig.listen("incomplete_message_timeout=100ms");
  auto socket = rig.raw();
  rig.talk(socket, framed(k_request) + "50#{", [](auto& text) { return text.size() >= k_reply.size(); });
  rig.listener->pause();
  rig.listener->resume();
  bool ended = false;
  rig.talk(
      socket, "", [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
}

TEST(TcpListener, HoldsNoMoreConnectionsThanAllowed) {
  TcpRig rig;
  rig.listen("max_connections=3");
  std::vector<asio::ip::tcp::socket> sockets;
  for (int i = 0; i < 3; ++i) {
    sockets.push_back(rig.raw());
    rig.talk(sockets.back(), framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); });
  }
  auto extra = rig.raw();
  bool ended = false;
  rig.talk(
      extra, "", [](auto&) { return false; }, &ended);
  EXPECT_TRUE(ended);
  sockets.pop_back();
  ASSERT_TRUE(eventually(rig.loop, [&] {
    auto again = rig.raw();
    return rig.talk(again, framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); }) == k_reply;
  }));
}

TEST(TcpListener, ServesManyIdleConnectionsWithoutBuffers) {
  TcpRig rig;
  rig.listen();
  std::vector<asio::ip::tcp::socket> sockets;
  const std::size_t before = socket::buffered_bytes();
  for (int i = 0; i < 200; ++i) {
    sockets.push_back(rig.raw());
    ASSERT_EQ(rig.talk(sockets.back(), framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); }),
              k_reply);
  }
  EXPECT_LE(socket::buffered_bytes() - before, 200u * 4096u);
}

TEST(TcpListener, EndsAPeerThatDoesNotReadItsReplies) {
  TcpRig rig;
  rig.listen("maxSendBufferSize=1MiB");
  rig.keep = true;
  auto socket = rig.raw();
  const std::string big = R"({"pattern":"echo","data":")" + std::string(200'000, 'x') + R"(","id":"1"})";
  rig.talk(socket, "", [](auto&) { return true; });
  std::size_t sent = 0;
  const std::string frame = framed(big);
  ASSERT_TRUE(eventually(rig.loop, [&] {
    asio::error_code ec;
    if (sent < frame.size()) sent += socket.write_some(asio::buffer(frame) + sent, ec);
    return rig.sink.deliveries.size() == 1;
  }));
  // The handler answers over and over; nobody reads.
  Delivery delivery = rig.sink.take();
  ASSERT_TRUE(eventually(rig.loop, [&] {
    TcpRig::echo(delivery);
    return !delivery.source().is_connected();
  }));
  EXPECT_LE(socket::buffered_bytes(), 8u << 20);
}

TEST(TcpListener, EndsAPeerThatTakesNothingInTime) {
  TcpRig rig;
  rig.listen("write_timeout=60ms");
  rig.keep = true;
  auto deaf = rig.raw();
  const std::string big = framed(R"({"pattern":"echo","data":")" + std::string(8u << 20, 'x') + R"(","id":"1"})");
  rig.talk(deaf, big, [&](auto&) { return rig.sink.deliveries.size() == 1; });
  Delivery delivery = rig.sink.take();
  for (int i = 0; i < 3; ++i) TcpRig::echo(delivery);  // more than the system's buffers hold
  rig.keep = false;
  auto other = rig.raw();
  ASSERT_TRUE(eventually(rig.loop, [&] { return !delivery.source().is_connected(); }));
  EXPECT_EQ(rig.talk(other, framed(k_request), [](auto& text) { return text.size() >= k_reply.size(); }), k_reply)
      << "silence is fine where nothing waits";
}

TEST(TcpListener, SeesThatAPeerLeftWhileItsRequestsHoldTheReadingBack) {
  TcpRig rig;
  rig.max_in_flight = 2;
  rig.keep = true;
  rig.listen();
  auto socket = rig.raw();
  const std::string stream = framed(k_request) + framed(k_request) + framed(k_request);
  rig.talk(socket, stream, [&](auto&) { return rig.sink.deliveries.size() == 2; });
  EXPECT_TRUE(rig.sink.deliveries.front().source().is_connected());
  socket.shutdown(asio::socket_base::shutdown_send);
  ASSERT_TRUE(eventually(rig.loop, [&] { return !rig.sink.deliveries.front().source().is_connected(); }));
  rig.sink.deliveries.clear();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.sink.delivered == 3; })) << "what it sent before is still handled";
}

TEST(TcpListener, CanBeClosedFromWithinADelivery) {
  TcpRig rig;
  rig.listen();
  auto socket = rig.raw();
  rig.sink.on_each = [&](Delivery&& delivery) {
    Delivery mine = std::move(delivery);
    rig.listener->close();
    TcpRig::echo(mine);
  };
  bool ended = false;
  EXPECT_EQ(rig.talk(
                socket, framed(k_request) + framed(k_request), [](auto&) { return false; }, &ended),
            "");
  EXPECT_TRUE(ended);
  EXPECT_EQ(rig.sink.delivered, 1u);
}

TEST(TcpListener, StopsTheIntakeAndFlushesWhatWasAnswered) {
  TcpRig rig;
  rig.keep = true;
  rig.listen();
  auto socket = rig.raw();
  rig.talk(socket, framed(k_request), [&](auto&) { return rig.sink.deliveries.size() == 1; });
  rig.listener->stop_intake();
  asio::write(socket, asio::buffer(framed(k_request)));
  Delivery delivery = rig.sink.take();
  TcpRig::echo(delivery);
  run_until(rig.loop, rig.listener->flush());
  const std::string got = rig.talk(socket, "", [](auto& text) { return text.find(k_reply) != std::string::npos; });
  EXPECT_NE(got.find("shutting down"), std::string::npos) << "the second one came too late: " << got;
  EXPECT_EQ(rig.sink.delivered, 1u);
  asio::ip::tcp::socket late(rig.loop);
  asio::error_code ec;
  late.connect({asio::ip::address_v4::loopback(), rig.port}, ec);
  EXPECT_EQ(ec, asio::error::connection_refused);
}

TEST(TcpListener, SaysWhatIsWrongWhenThePortIsTaken) {
  TcpRig rig;
  rig.listen();
  auto transport = rig.transport("tcp://127.0.0.1:" + std::to_string(rig.port));
  auto second = transport->make_listener(rig.environment());
  KeepingListenerSink sink;
  const Result<void> opened = run_until(rig.loop, second->open({}, sink));
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().code() == errc::refused);
  EXPECT_NE(std::string(opened.error().what()).find(std::to_string(rig.port)), std::string::npos);
  second->close();
}

}  // namespace
}  // namespace waybill::test
