// Connections of HTTP: callers that are slow, in a hurry, half gone, or up to something.
#include "support/http_server.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/time.hpp"

#include <asio/co_spawn.hpp>
#include <asio/read.hpp>

#include <optional>
#include <thread>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using http::Request;
using http::Response;

constexpr const char* k_get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpConnections : public HttpServer {
 protected:
  void wait(std::chrono::milliseconds time) {
    eventually(loop_, time, [] { return false; });
  }
  /// All of it, with a pause before that.
  std::size_t read_late(asio::ip::tcp::socket& socket, std::chrono::milliseconds pause, std::size_t wanted) {
    wait(pause);
    std::string bytes(1 << 20, ' ');
    std::size_t count = 0;
    bool is_over = false;
    std::function<void()> more = [&] {
      socket.async_read_some(asio::buffer(bytes), [&](const asio::error_code& ec, std::size_t size) {
        count += size;
        is_over = ec || count >= wanted;
        if (!is_over) more();
      });
    };
    more();
    EXPECT_TRUE(eventually(loop_, 20s, [&] { return is_over; }));
    return count;
  }
};

TEST_F(HttpConnections, WhatOthersReadInAnotherWayIsRefused) {
  server().post("/in", [](Request& request) { return request.body; });
  start();
  const std::string post = "POST /in HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {post + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", "400"},
      {post + "X:\r\n\tb\r\nContent-Length: 0\r\n\r\n", "400"},
      {post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400"},
      {post + "X: a\rContent-Length: 3\r\n\r\n", "400"},
      {post + "X: a\r\n\rZContent-Length: 3\r\n\r\n", "400"},
      {post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
      {post + "Content-Length: 3, 3\r\n\r\nabc", "400"},
      {post + "Content-Length: +3\r\n\r\nabc", "400"},
      {post + "Content-Length: 0x3\r\n\r\nabc", "400"},
      {post + "Content-Length: 3 3\r\n\r\nabc", "400"},
      {post + "Content-Length:\r\n\r\n", "400"},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", "400"},
      {post + "Content-Length : 3\r\n\r\nabc", "400"},
      {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", "400"},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       "400"},
      {"POST /in HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {chunked + "3\r\nabcXX0\r\n\r\n", "400"},
      {chunked + "3\rXabc\r\n0\r\n\r\n", "400"},
      {chunked + "3\nabc\n0\n\n", "400"},
      {chunked + "3;a\nb\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + "3;a\rb\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + "0x3\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + "-3\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + " 3\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + ";\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + "00000000000000003\r\nabc\r\n0\r\n\r\n", "400"},
      {chunked + "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", "413"},
      {chunked + "0\r\nX: a\r\n b\r\n\r\n", "400"},
      {chunked + "0\r\nX: a\n\r\n", "400"},
      {chunked + "3;" + std::string(70'000, 'x') + "\r\nabc\r\n0\r\n\r\n", "431"},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
  };
  for (const auto& [request, wanted] : cases) {
    const std::string answer = ask(request);
    EXPECT_EQ(status(answer).substr(0, 3), wanted) << request.substr(0, 200) << "\n" << answer;
    EXPECT_EQ(answer.find("Connection: close\r\n") == std::string::npos, request.starts_with("GET")) << request;
  }
  EXPECT_EQ(body(ask(chunked + "003 ;a=\"b\"\r\nabc\r\n0;c\r\nX: y\r\nZ:\r\n\r\n")), "abc");
  EXPECT_EQ(body(ask("\r\n\r\n" + post + "Content-Length:\t 3 \r\n\r\nabc")), "abc");
  EXPECT_EQ(status(ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), "204 No Content");
}

TEST_F(HttpConnections, OneInUseOutlivesTheIdleTimeout) {
  make("?idle_timeout=300ms");
  start();
  auto socket = connect();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(status(exchange(socket, k_get)), "404 Not Found") << i;
    wait(60ms);
  }
  EXPECT_EQ(caller().read_to_the_end(socket), "");
}

TEST_F(HttpConnections, ASlowReaderGetsTheWholeAnswer) {
  make("?idle_timeout=100ms");
  const std::size_t size = 24u << 20;
  server().get("/a", [size] { return std::string(size, 'x'); });
  start();
  auto kept = connect();
  auto closed = connect();
  send(kept, k_get);
  send(closed, "GET /a HTTP/1.0\r\n\r\n");
  // Longer than a connection may take to say goodbye.
  EXPECT_GE(read_late(kept, 6s, size), size);
  EXPECT_GE(read_late(closed, 0ms, size), size);
}

TEST_F(HttpConnections, WhoSaysNoMoreStillGetsItsAnswer) {
  server().get("/a", [] { return "a"; });
  start();
  auto socket = connect();
  send(socket, std::string(k_get) + k_get);
  socket.shutdown(asio::socket_base::shutdown_send);
  const std::string both = caller().read_to_the_end(socket);
  EXPECT_NE(both.find("\r\n\r\naHTTP/1.1 200 OK"), std::string::npos) << both;
  EXPECT_TRUE(both.ends_with("\r\n\r\na")) << both;
}

TEST_F(HttpConnections, AnEndlessBodyLeavesOthersTheirTurn) {
  constexpr int k_pieces = 2'000;
  int made = 0;
  int made_then = k_pieces;
  server().get("/endless", [&made] {
    Response response;
    response.more = [&made]() -> asio::awaitable<std::optional<std::string>> {
      if (++made == k_pieces) co_return std::nullopt;
      for (const auto end = std::chrono::steady_clock::now() + 200us; std::chrono::steady_clock::now() < end;) {
      }  // its reader is faster
      co_return std::string(32 << 10, 'x');
    };
    return response;
  });
  server().get("/a", [&] {
    made_then = made;
    return "a";
  });
  start();
  auto reader = connect();
  send(reader, "GET /endless HTTP/1.0\r\n\r\n");
  std::thread reads([&reader] {
    std::string bytes(1 << 20, ' ');
    asio::error_code ec;
    while (!ec) reader.read_some(asio::buffer(bytes), ec);
  });
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return made > 0; }));
  EXPECT_EQ(body(get("/a")), "a");
  EXPECT_LT(made_then, k_pieces);
  asio::error_code ignored;
  reader.shutdown(asio::socket_base::shutdown_both, ignored);
  reads.join();
}

TEST_F(HttpConnections, WhoLeavesWithFurtherRequestsBehindCancelsToo) {
  bool is_cancelled = false;
  int pieces = 0;
  server().get("/wait", [&](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 1h);
    const auto outcome = co_await timer.async_wait(waybill::detail::as_tuple(asio::use_awaitable));
    is_cancelled = std::get<0>(outcome) == asio::error::operation_aborted;
    co_return "";
  });
  server().get("/ticks", [&](Request& request) {
    Response response;
    response.more = [&, executor = request.executor]() -> asio::awaitable<std::optional<std::string>> {
      Timer timer(executor, 5ms);
      co_await timer.async_wait();
      ++pieces;
      co_return "x";
    };
    return response;
  });
  start();
  for (const char* target : {"/wait", "/ticks"}) {
    auto socket = connect();
    send(socket, "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n" + k_get);
    wait(50ms);
  }
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return is_cancelled; }));
  wait(200ms);
  const int at_the_end = pieces;
  wait(100ms);
  EXPECT_EQ(pieces, at_the_end) << "its reader has left, and it went on";
}

TEST_F(HttpConnections, AHeadDoesNotSayThatPiecesAreNone) {
  server().get("/a", [] {
    Response response;
    response.more = []() -> asio::awaitable<std::optional<std::string>> { co_return std::nullopt; };
    return response;
  });
  start();
  auto socket = connect();
  send(socket, "HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string head = caller().read_to_the_end(socket);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(HttpConnections, ADrainAnswersWhoHasJustConnectedAndWhoAsksOnceMore) {
  server().get("/a", [] { return "a"; });
  start();
  auto kept = connect();
  EXPECT_EQ(body(exchange(kept, k_get)), "a");
  auto waiting = connect();  // for the loop to accept it
  auto silent = connect();
  send(waiting, k_get);
  std::optional<std::size_t> left;
  asio::co_spawn(loop_, server().drain(20s), [&](std::exception_ptr, std::size_t count) { left = count; });
  for (auto* socket : {&waiting, &kept, &silent}) {
    if (socket != &waiting) send(*socket, k_get);
    const std::string answer = caller().read_to_the_end(*socket);
    EXPECT_EQ(status(answer), "200 OK");
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
    socket->close();
  }
  EXPECT_TRUE(eventually(loop_, 10s, [&] { return left.has_value(); }));
  EXPECT_EQ(left.value_or(99), 0u);
}

TEST_F(HttpConnections, WhoReadsSlowlyWhatADrainHasEndedHasAllOfTheTime) {
  server().get("/much", [] {
    Response response;
    const auto is_asked = std::make_shared<bool>(false);
    response.more = [is_asked]() -> asio::awaitable<std::optional<std::string>> {
      if (std::exchange(*is_asked, true)) co_return std::nullopt;
      co_return std::string(std::size_t{32} << 20, 'x');
    };
    response.end_soon = [] {};
    return response;
  });
  start();
  auto reader = connect();
  send(reader, "GET /much HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(eventually(loop_, [&] { return reader.available() > 300; }));
  const auto began = std::chrono::steady_clock::now();
  bool is_drained = false;
  asio::co_spawn(loop_, server().drain(12s), [&](std::exception_ptr, std::size_t) { is_drained = true; });
  std::string bytes(32u << 10, ' ');
  asio::error_code lost;
  while (!lost && std::chrono::steady_clock::now() - began < 7s) {  // beyond half of the drain's time
    reader.read_some(asio::buffer(bytes), lost);
    wait(10ms);
  }
  ASSERT_FALSE(lost) << lost.message();
  EXPECT_FALSE(is_drained);
  EXPECT_TRUE(caller().read_to_the_end(reader).ends_with("\r\n0\r\n\r\n"));
  reader.close();
  EXPECT_TRUE(eventually(loop_, [&] { return is_drained; }));
}

TEST_F(HttpConnections, TwoDrainsAtATimeBothEnd) {
  server().get("/wait", [](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 100ms);
    co_await timer.async_wait();
    co_return "done";
  });
  start();
  auto busy = connect();
  send(busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  wait(30ms);
  int ended = 0;
  for (int i = 0; i < 2; ++i)
    asio::co_spawn(loop_, server().drain(5s), [&](std::exception_ptr, std::size_t) { ++ended; });
  EXPECT_EQ(body(caller().read_to_the_end(busy)), "done");
  busy.close();
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return ended == 2; }));
}

}  // namespace
}  // namespace waybill::test
