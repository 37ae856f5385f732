// The bounds on one peer and on all, over real sockets: requests in flight, replies that nobody reads, connections.
#include "hostile_bytes.hpp"
#include "hostile_rig.hpp"

#include <asio/write.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using Socket = asio::ip::tcp::socket;

Socket connect(asio::io_context& loop, const ServiceThread& service) {
  Socket socket(loop);
  socket.connect(service.endpoint());
  return socket;
}

/// Calls "echo" from a client of its own.
void expect_answers(asio::io_context& loop, const ServiceThread& service) {
  Client client(loop.get_executor(), service.url(""));
  const std::string text = "still there";
  EXPECT_EQ(run_until(loop, client.request<std::string>("echo", text)), text);
  client.close();
  run_ready(loop);
}

/// Writes until the service takes no more for 300 ms, or all is written. Returns how many bytes it took.
std::size_t write_until_stuck(Socket& socket, std::string_view bytes) {
  socket.non_blocking(true);
  std::size_t taken = 0;
  while (taken < bytes.size() && eventually(std::chrono::milliseconds(300), [&] {
           asio::error_code ec;
           const std::size_t count = socket.write_some(asio::buffer(bytes.substr(taken)), ec);
           taken += count;
           return count > 0;
         })) {
  }
  return taken;
}

TEST(HostileCaps, RequestsThatAreNeverAnsweredStopTheReading) {
  ServiceThread service;
  asio::io_context loop(1);
  expect_answers(loop, service);
  const std::size_t memory = resident_kib();
  Socket socket = connect(loop, service);
  const std::string frame = nest_frame(R"({"pattern":"stuck","data":")" + repeat("x", 1000) + R"(","id":"1"})");
  const std::string flood = repeat(frame, 64'000);  // 64 MiB
  const std::size_t taken = write_until_stuck(socket, flood);
  EXPECT_LT(taken, flood.size() / 2) << "the service went on reading";
  EXPECT_TRUE(eventually(k_patience, [&] { return service.stuck == 1024; })) << service.stuck;
  EXPECT_EQ(service.stats().in_flight, 1024u);
  EXPECT_LE(resident_kib(), memory + k_most_growth_kib + flood.size() / 1024);
  expect_answers(loop, service);
}

/// `handler_threads`: of the service; 0: its loop runs the streams.
void expect_streams_to_pause(unsigned handler_threads) {
  ServiceThread service("", handler_threads);
  asio::io_context loop(1);
  expect_answers(loop, service);
  const std::size_t memory = resident_kib();
  std::vector<Socket> sockets;
  for (int i = 0; i < 8; ++i) {
    sockets.push_back(connect(loop, service));
    asio::write(sockets.back(), asio::buffer(nest_frame(R"({"pattern":"forever","data":1000,"id":"1"})")));
  }
  ASSERT_TRUE(eventually(k_patience, [&] { return service.stats().in_flight == 8; }));
  for (int i = 0; i < 50; ++i) expect_answers(loop, service);
  EXPECT_LE(resident_kib(), memory + k_most_growth_kib);
  sockets.clear();
  EXPECT_TRUE(eventually(k_patience, [&] { return service.stats().in_flight == 0; })) << "a stream outlives its caller";
}

TEST(HostileCaps, AStreamWhoseRepliesNobodyReadsPauses) { expect_streams_to_pause(0); }
TEST(HostileCaps, AStreamOnAnotherThreadWhoseRepliesNobodyReadsPauses) { expect_streams_to_pause(2); }

TEST(HostileCaps, AStreamThatIsReadAsFastAsItIsWrittenLeavesRoomForOthers) {
  ServiceThread service;
  asio::io_context loop(1);
  Socket socket = connect(loop, service);
  asio::write(socket, asio::buffer(nest_frame(R"({"pattern":"forever","data":1,"id":"1"})")));
  std::atomic<bool> enough{false};
  std::thread reader([&] {
    std::vector<char> room(1u << 20);
    asio::error_code ec;
    while (!enough && !ec) socket.read_some(asio::buffer(room), ec);
  });
  for (int i = 0; i < 20; ++i) expect_answers(loop, service);
  enough = true;
  reader.join();
}

TEST(HostileCaps, LargeRepliesThatNobodyReadsEndTheConnection) {
  ServiceThread service("max_unsent=1MiB");
  asio::io_context loop(1);
  expect_answers(loop, service);
  Socket socket = connect(loop, service);
  const std::string frame = nest_frame(R"({"pattern":"payload","data":")" + repeat("x", 500'000) + R"(","id":"1"})");
  const std::string flood = repeat(frame, 100);
  const std::size_t taken = write_until_stuck(socket, flood);
  EXPECT_LT(taken, flood.size()) << "the service took all though it cannot answer";
  expect_answers(loop, service);
}

TEST(HostileCaps, ConnectionsBeyondTheirMostAreClosedAndTheOthersServed) {
  ServiceThread service("max_connections=20");
  asio::io_context loop(1);
  Client first(loop.get_executor(), service.url(""));
  const std::string text = "x";
  EXPECT_EQ(run_until(loop, first.request<std::string>("echo", text)), text);
  std::vector<Socket> sockets;
  for (int i = 0; i < 300; ++i) sockets.push_back(connect(loop, service));
  std::size_t closed = 0;
  for (Socket& socket : sockets) socket.non_blocking(true);
  EXPECT_TRUE(eventually(k_patience, [&] {
    closed = static_cast<std::size_t>(std::count_if(sockets.begin(), sockets.end(), [](Socket& socket) {
      char byte = 0;
      asio::error_code ec;
      socket.read_some(asio::buffer(&byte, 1), ec);
      return ec && ec != asio::error::would_block;
    }));
    return closed >= 281;
  }));
  EXPECT_EQ(closed, 281u);
  EXPECT_EQ(run_until(loop, first.request<std::string>("echo", text)), text);
  sockets.clear();
  first.close();
  run_ready(loop);
}

}  // namespace
}  // namespace waybill::test
