// Clients whose server answers with garbage: every call ends, within its deadline, and the client connects again.
#include "hostile_bytes.hpp"
#include "hostile_rig.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <iostream>

namespace waybill::test {
namespace {

using Socket = asio::ip::tcp::socket;
constexpr auto k_quietly = waybill::detail::as_tuple(asio::use_awaitable);

/// Answers each connection's first bytes with one hostile stream, then ends the connection or leaves it open.
class HostileServer {
 public:
  HostileServer(asio::io_context& loop, std::uint64_t seed)
      : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}), bytes_(seed) {
    asio::co_spawn(loop, accept(), asio::detached);
  }
  std::string url(const std::string& options) const {
    return "tcp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "?" + options;
  }
  void close() { acceptor_.close(); }
  std::size_t accepted = 0;

 private:
  asio::awaitable<void> accept() {
    while (true) {
      auto got = co_await acceptor_.async_accept(k_quietly);
      if (std::get<0>(got)) co_return;
      ++accepted;
      auto socket = std::make_shared<Socket>(std::move(std::get<1>(got)));
      auto answering = answer(std::move(socket));
      asio::co_spawn(acceptor_.get_executor(), std::move(answering), asio::detached);
    }
  }
  asio::awaitable<void> answer(std::shared_ptr<Socket> socket) {
    std::vector<char> room(65'536);
    auto first = co_await socket->async_read_some(asio::buffer(room), k_quietly);
    if (std::get<0>(first)) co_return;
    Attack attack = bytes_.next();
    const bool is_binary = room[0] == '\0';
    if (is_binary && bytes_.below(2)) attack.bytes.insert(0, k_binary_preface);
    co_await asio::async_write(*socket, asio::buffer(attack.bytes), k_quietly);
    if (bytes_.below(2)) co_return;
    while (true) {
      auto more = co_await socket->async_read_some(asio::buffer(room), k_quietly);
      if (std::get<0>(more)) co_return;
    }
  }

  asio::ip::tcp::acceptor acceptor_;
  HostileBytes bytes_;
};

void expect_all_calls_end(const std::string& options) {
  constexpr std::uint64_t seed = 7;
  std::cout << "seed " << seed << std::endl;
  asio::io_context loop(1);
  HostileServer server(loop, seed);
  LogCapture logs;
  const std::string url = server.url("timeout=500ms&connect_timeout=500ms&dial_timeout=300ms&" + options);
  Client client(loop.get_executor(), ClientConfig::from_url(url), default_registry(), logs.log());
  const std::string text = "x";
  std::size_t ended = 0, answered = 0;
  constexpr std::size_t k_calls = 150, k_at_once = 6;
  std::size_t made = 0;
  ASSERT_TRUE(eventually(loop, std::chrono::seconds(90),
                         [&] {
                           for (; made < k_calls && made - ended < k_at_once; ++made)
                             client.request<std::string>("echo", text, [&](const Result<std::string>& result) {
                               ++ended;
                               if (result) ++answered;
                             });
                           return ended == k_calls;
                         }))
      << ended << " of " << made << " calls ended";
  EXPECT_EQ(answered, 0u) << "garbage was taken for an answer";
  EXPECT_GT(server.accepted, 1u) << "the client did not connect again";
  EXPECT_EQ(client.stats().waiting, 0u);
  std::cout << server.accepted << " connections, " << client.stats().timeouts << " timeouts" << std::endl;
  client.close();
  server.close();
  run_ready(loop);
}

TEST(HostileServer, EndsEveryCallOfANestClient) { expect_all_calls_end("framing=nest"); }
TEST(HostileServer, EndsEveryCallOfABinaryClient) { expect_all_calls_end("framing=binary"); }

}  // namespace
}  // namespace waybill::test
