// The command line where no broker is needed.
#include "cli_process.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <string>

namespace waybill {
namespace {

using asio::ip::tcp;
using test::Cli;

std::uint16_t port_in(const std::string& line) {
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

TEST(Cli, ListenWithACountShowsAndAnswersThatManyOfABurst) {
  Cli listen({"listen", "tcp://127.0.0.1:0", "p", "--count", "2"});
  const std::string line = listen.error_line("listening on");
  ASSERT_FALSE(line.empty());
  asio::io_context loop;
  tcp::socket socket(loop);
  socket.connect({asio::ip::make_address("127.0.0.1"), port_in(line)});
  std::string burst;
  for (int i = 0; i < 50; ++i) {
    const std::string packet =
        R"({"pattern":"p","data":)" + std::to_string(i) + R"(,"id":"id-)" + std::to_string(i) + "\"}";
    burst += std::to_string(packet.size()) + '#' + packet;
  }
  asio::write(socket, asio::buffer(burst));
  const auto lines = listen.rest();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], R"({"kind":"request","pattern":"p","data":1,"headers":{}})");
  EXPECT_EQ(listen.exit_code(), 0);
  std::string answers;
  std::error_code end;
  asio::read(socket, asio::dynamic_buffer(answers), end);
  EXPECT_NE(answers.find("id-1\""), std::string::npos) << answers;
  EXPECT_EQ(answers.find("id-2\""), std::string::npos) << answers;
}

TEST(Cli, WhatTcpDoesNotHaveIsSaidFirst) {
  Cli ls({"dlq", "ls", "tcp://127.0.0.1:1"});
  EXPECT_NE(ls.error_line("has no dead letters"), "");
  EXPECT_EQ(ls.exit_code(), 2);
}

}  // namespace
}  // namespace waybill
