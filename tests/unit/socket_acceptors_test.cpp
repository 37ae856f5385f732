// The listening sockets of a server.
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/transports/socket/acceptors.hpp"

#include <asio/io_context.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace waybill::socket {
namespace {

using asio::ip::tcp;

/// Says one letter to everybody.
class Greeter final : public Arrivals {
 public:
  void adopt(tcp::socket socket) override {
    asio::error_code ec;
    asio::write(socket, asio::buffer("x", 1), ec);
  }
  void complain(const std::string&) override {}
  bool is_closed() const noexcept override { return false; }
};

TEST(SocketAcceptors, WhoHasConnectedIsServedHoweverLateItWas) {
  asio::io_context loop;
  test::LogCapture logs;
  const auto greeter = std::make_shared<Greeter>();
  Url::Host host;
  host.name = "127.0.0.1";
  std::atomic<std::uint16_t> port{0};
  std::atomic<bool> is_over{false};
  std::atomic<int> served{0}, reset{0};
  const auto connect_again_and_again = [&] {
    while (!is_over) {
      const int caller = ::socket(AF_INET, SOCK_STREAM, 0);
      const timeval patience{0, 10'000};  // with who does not hear of it
      ::setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      const tcp::endpoint to(asio::ip::address_v4::loopback(), port);
      char letter = 0;
      if (::connect(caller, to.data(), static_cast<socklen_t>(to.size())) == 0)
        ++(::recv(caller, &letter, 1, 0) == 1 ? served : reset);
      ::close(caller);
    }
  };
  std::vector<std::thread> callers;
  for (int round = 0; round < 300; ++round) {
    AcceptRules rules;
    rules.reuse_port = true;  // those before may still be closing
    const auto acceptors = std::make_shared<Acceptors>(loop.get_executor(), logs.log(), rules, greeter);
    test::run_until(loop,
                    Acceptors::open(acceptors, {host}, std::chrono::steady_clock::now() + std::chrono::seconds(5)))
        .value();
    if (!port) {
      host.port = Url::parse("tcp://" + acceptors->addresses()).value().hosts.front().port;
      host.has_port = true;
      port = host.port;
      for (int i = 0; i < 2; ++i) callers.emplace_back(connect_again_and_again);
    }
    loop.restart();
    loop.run_for(std::chrono::milliseconds(2));
    acceptors->finish();
    loop.restart();
    loop.run();  // until it has closed
  }
  is_over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(served, 100);
  EXPECT_EQ(reset, 0);
}

}  // namespace
}  // namespace waybill::socket
