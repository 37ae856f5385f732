// Who is let in by a tcp listener when there are many: bounds by address, and what becomes of those that say nothing.
#include "tcp_rig.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace waybill::test {
namespace {

const std::string k_request = framed(R"({"pattern":"echo","data":"x","id":"1"})");
const std::string k_reply = framed(R"({"response":"x","isDisposed":true,"id":"1"})");

bool has_ended(asio::ip::tcp::socket& socket) {
  char byte = 0;
  asio::error_code ec;
  socket.read_some(asio::buffer(&byte, 1), ec);
  return ec && ec != asio::error::would_block;
}
bool is_served(TcpRig& rig, asio::ip::tcp::socket& socket) {
  return rig.talk(socket, k_request, [](auto& text) { return text.size() >= k_reply.size(); }) == k_reply;
}
asio::ip::tcp::socket from(TcpRig& rig, const std::string& address) {
  asio::ip::tcp::socket socket(rig.loop);
  socket.open(asio::ip::tcp::v4());
  socket.bind({asio::ip::make_address(address), 0});
  socket.connect({asio::ip::address_v4::loopback(), rig.port});
  socket.non_blocking(true);
  return socket;
}

TEST(TcpAdmission, OneAddressCannotTakeAllConnections) {
  TcpRig rig;
  rig.listen("max_connections=4&max_connections_per_address=2");
  std::vector<asio::ip::tcp::socket> greedy;
  for (int i = 0; i < 3; ++i) greedy.push_back(from(rig, "127.0.0.7"));
  ASSERT_TRUE(eventually(rig.loop, [&] { return has_ended(greedy[2]); }));
  auto other = from(rig, "127.0.0.8");
  EXPECT_TRUE(is_served(rig, other));
  EXPECT_TRUE(is_served(rig, greedy[0]));
  greedy[1].close();
  EXPECT_TRUE(eventually(rig.loop, [&] {
    auto again = from(rig, "127.0.0.7");
    return is_served(rig, again);
  })) << "its place is not free again";
}

TEST(TcpAdmission, WhoConnectsAndSaysNothingMakesRoom) {
  TcpRig rig;
  rig.listen("max_connections=3");
  auto speaking = rig.raw();
  ASSERT_TRUE(is_served(rig, speaking));
  auto silent = rig.raw();
  auto silent_too = rig.raw();
  // A connection may be silent for a moment; after that it goes, the oldest first.
  ASSERT_TRUE(eventually(rig.loop, [&] {
    auto newcomer = rig.raw();
    return is_served(rig, newcomer);
  }));
  EXPECT_TRUE(has_ended(silent));
  EXPECT_TRUE(is_served(rig, speaking)) << "who has spoken stays";
}

TEST(TcpAdmission, WhoSaysNothingCanBeGivenATime) {
  TcpRig rig;
  rig.listen("first_message_timeout=60ms");
  auto speaking = rig.raw();
  ASSERT_TRUE(is_served(rig, speaking));
  auto silent = rig.raw();
  ASSERT_TRUE(eventually(rig.loop, [&] { return has_ended(silent); }));
  EXPECT_TRUE(is_served(rig, speaking)) << "silence after the first message is fine";
}

}  // namespace
}  // namespace waybill::test
