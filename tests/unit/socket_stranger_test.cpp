// Who answers at a port, told by what it says to the greetings of several protocols.
#include "support/eventually.hpp"
#include "waybill/transports/socket/stranger.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <deque>

namespace waybill::socket {
namespace {

using namespace std::string_view_literals;

/// Says `answer` to whoever's first bytes are `greeting`; to others nothing.
class Server {
 public:
  Server(asio::io_context& loop, std::string greeting, std::string answer)
      : loop_(loop),
        acceptor_(loop, {asio::ip::address_v4::loopback(), 0}),
        greeting_(std::move(greeting)),
        answer_(std::move(answer)) {
    accept();
  }
  ~Server() {
    acceptor_.close();
    for (Guest& guest : guests_) guest.socket.close();
    test::run_ready(loop_);  // what is under way knows this
  }
  Url::Host host() const {
    Url::Host host;
    host.name = "127.0.0.1";
    host.port = acceptor_.local_endpoint().port();
    return host;
  }

 private:
  struct Guest {
    explicit Guest(asio::ip::tcp::socket taken) : socket(std::move(taken)) {}
    asio::ip::tcp::socket socket;
    std::array<char, 64> bytes{};
  };
  void accept() {
    acceptor_.async_accept([this](std::error_code ec, asio::ip::tcp::socket socket) {
      if (ec) return;
      Guest& guest = guests_.emplace_back(std::move(socket));
      guest.socket.async_read_some(asio::buffer(guest.bytes), [this, &guest](std::error_code failed, std::size_t got) {
        if (failed || !std::string_view(guest.bytes.data(), got).starts_with(greeting_)) return;
        std::error_code ignored;
        asio::write(guest.socket, asio::buffer(answer_), ignored);
      });
      accept();
    });
  }
  asio::io_context& loop_;
  asio::ip::tcp::acceptor acceptor_;
  std::string greeting_;
  std::string answer_;
  std::deque<Guest> guests_;
};

std::string_view found_at(asio::io_context& loop, const Url::Host& host) {
  return test::run_until(loop, who_answers(loop.get_executor(), host));
}

TEST(Stranger, IsToldByItsAnswer) {
  asio::io_context loop(1);
  struct Case {
    std::string_view greeting, answer, kind;
  };
  for (const Case& each :
       {Case{"PING", "+PONG\r\n", k_redis_server}, Case{"PING", "-NOAUTH Authentication required.\r\n", k_redis_server},
        Case{"AMQP", "\x01\0\0\0\0\x01\xf7\0"sv, k_amqp_broker},
        Case{"\0\0\0\x0a"sv, "AMQP\0\0\x09\x01"sv, k_amqp_broker},
        Case{"\0\0\0\x0a"sv, "\0\0\x01\x60\0\0\0\x07\0\0"sv, k_kafka_broker},
        Case{"", "\x15\x03\x03\0\x02\x02\x32"sv, k_tls_port}, Case{"", "HTTP/1.1 400 Bad Request\r\n", k_http_server},
        Case{"", "SSH-2.0-OpenSSH_9.2\r\n", ""}}) {
    Server server(loop, std::string(each.greeting), std::string(each.answer));
    EXPECT_EQ(found_at(loop, server.host()), each.kind) << each.answer;
  }
}

TEST(Stranger, IsNobodyWhereNobodyListens) {
  asio::io_context loop(1);
  Url::Host host;
  host.name = "127.0.0.1";
  host.port = 1;
  EXPECT_EQ(found_at(loop, host), "");
}

TEST(Stranger, EndsTheAttemptsOnlyWhenItIsKnownToBeWrong) {
  asio::io_context loop(1);
  Server redis(loop, "PING", "+PONG\r\n");
  const Error silent(errc::refused, "no answer", End::rejected);
  const auto named = [&](std::vector<Url::Host> hosts, const Expected& expected) {
    return test::run_until(loop, name_stranger(loop.get_executor(), std::move(hosts), expected, silent));
  };
  const Error wrong = named({redis.host()}, {k_kafka_broker, "kafka", false});
  EXPECT_TRUE(wrong.code() == errc::invalid_config);
  EXPECT_NE(wrong.message().find("a Redis server"), std::string_view::npos) << wrong.what();
  EXPECT_TRUE(named({redis.host()}, {k_redis_server, "redis", false}).code() == errc::refused);
  EXPECT_TRUE(named({redis.host(), redis.host()}, {k_kafka_broker, "kafka", false}).code() == errc::refused);
  const Error plain = named({redis.host()}, {k_redis_server, "redis", true});
  EXPECT_NE(plain.message().find("redis://"), std::string_view::npos) << plain.what();
  EXPECT_NE(stranger_story({k_redis_server, "redis", false}, k_tls_port, redis.host()).find("rediss://"),
            std::string::npos);
}

}  // namespace
}  // namespace waybill::socket
