// What a service holds of its peers' bytes: requests in hand, unfinished frames, replies that nobody takes.
#include "tcp_rig.hpp"
#include "waybill/transport/held_bytes.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

std::string request_of(std::size_t size) {
  return framed(R"({"pattern":"echo","data":")" + std::string(size, 'x') + R"(","id":"1"})");
}
const std::string k_reply = framed(R"({"response":"x","isDisposed":true,"id":"1"})");

/// Writes as much of `bytes` as the other side takes, without reading.
void push(asio::ip::tcp::socket& socket, std::string_view bytes, std::size_t& sent) {
  asio::error_code ec;
  if (sent < bytes.size()) sent += socket.write_some(asio::buffer(bytes.substr(sent)), ec);
}
bool has_ended(asio::ip::tcp::socket& socket) {
  char room[65536];
  asio::error_code ec;
  do socket.read_some(asio::buffer(room), ec);
  while (!ec);
  return ec != asio::error::would_block;
}

TEST(TcpBudget, RequestsInHandAreBoundedInBytes) {
  TcpRig rig;
  rig.keep = true;
  rig.listen("max_in_hand=256KiB");
  const std::size_t before = waybill::transport::held_bytes();
  auto socket = rig.raw();
  std::string stream;
  for (int i = 0; i < 40; ++i) stream += request_of(100'000);
  std::size_t sent = 0;
  const auto pushes = [&] { push(socket, stream, sent); };
  ASSERT_TRUE(eventually(rig.loop, [&] {
    pushes();
    return rig.sink.deliveries.size() >= 3;
  }));
  run_ready(rig.loop);
  EXPECT_EQ(rig.sink.deliveries.size(), 3u);
  EXPECT_GE(waybill::transport::held_bytes(), before + 300'000) << "they are in no account";
  std::size_t handled = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    pushes();
    EXPECT_LE(rig.sink.deliveries.size(), 3u);
    for (; !rig.sink.deliveries.empty(); ++handled) rig.sink.take();
    return handled == 40;
  }));
  socket.close();
  EXPECT_TRUE(eventually(rig.loop, [&] { return waybill::transport::held_bytes() <= before; }));
}

TEST(TcpBudget, WhoHasMuchInHandIsNotReadWhileTheProcessIsShort) {
  TcpRig rig;
  rig.keep = true;
  rig.listen("max_total_buffers=16MiB");
  constexpr std::ptrdiff_t k_others = 13 << 20;  // more than three quarters
  waybill::transport::hold_bytes(k_others);
  auto greedy = rig.raw(), modest = rig.raw();
  const std::string two = request_of(100'000) + request_of(100'000);
  std::size_t sent = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    push(greedy, two, sent);
    return sent == two.size() && rig.sink.deliveries.size() == 1;
  }));
  std::size_t sent_too = 0;
  const std::string small = request_of(10) + request_of(10);
  EXPECT_TRUE(eventually(rig.loop, [&] {
    push(modest, small, sent_too);
    return rig.sink.deliveries.size() >= 3;
  })) << "who has little is served";
  run_ready(rig.loop);
  EXPECT_EQ(rig.sink.deliveries.size(), 3u);
  waybill::transport::hold_bytes(-k_others);
  rig.sink.deliveries.clear();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; })) << "the greedy one's second";
}

TEST(TcpBudget, OneRequestThatIsLargerThanTheBoundIsHandledAllTheSame) {
  TcpRig rig;
  rig.listen("max_in_hand=100KiB");
  rig.keep = true;
  auto socket = rig.raw();
  const std::string stream = request_of(500'000) + request_of(1);
  std::size_t sent = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    push(socket, stream, sent);
    return rig.sink.deliveries.size() == 1;
  }));
  rig.sink.deliveries.clear();
  EXPECT_TRUE(eventually(rig.loop, [&] { return rig.sink.deliveries.size() == 1; }));
}

TEST(TcpBudget, WhoHoldsMostIsEndedAndNotWhoComesLast) {
  TcpRig rig;
  rig.listen("max_total_buffers=4MiB");
  auto hog = rig.raw();
  const std::string half = "8000000#{\"pattern\":\"echo\",\"data\":\"" + std::string(3u << 20, 'x');
  std::size_t sent = 0;
  const std::size_t before = waybill::transport::held_bytes();
  ASSERT_TRUE(eventually(rig.loop, [&] {
    push(hog, half, sent);
    return waybill::transport::held_bytes() >= before + (3u << 20);
  }));
  auto honest = rig.raw();
  const std::string request = request_of(1'500'000);
  std::string got = rig.talk(honest, request, [](const std::string& text) { return text.size() > 1'500'000; });
  EXPECT_GT(got.size(), 1'500'000u) << "the honest one paid";
  EXPECT_TRUE(eventually(rig.loop, [&] { return has_ended(hog); }));
}

TEST(TcpBudget, APeerThatTakesItsRepliesByTheByteIsEnded) {
  TcpRig rig;
  rig.listen("write_timeout=20s&unsent_timeout=200ms");
  rig.keep = true;
  auto slow = rig.raw();
  const std::string big = request_of(8u << 20);
  std::size_t sent = 0;
  ASSERT_TRUE(eventually(rig.loop, [&] {
    push(slow, big, sent);
    return rig.sink.deliveries.size() == 1;
  }));
  Delivery delivery = rig.sink.take();
  for (int i = 0; i < 3; ++i) TcpRig::echo(delivery);
  EXPECT_TRUE(eventually(rig.loop, [&] {
    char room[20'000];
    asio::error_code ec;
    slow.read_some(asio::buffer(room), ec);
    return !delivery.source().is_connected();
  }));
}

}  // namespace
}  // namespace waybill::test
