// Callers that have said all (FIN): they may read on, or have left, and nothing tells before they are sent something.
#include "support/http_server.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/time.hpp"

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using http::Request;
using http::Response;

class HttpHalfClosed : public HttpServer {
 protected:
  void begin() {
    server().get("/after/{ms}", [this](Request& request) -> asio::awaitable<std::string> {
      Timer timer(request.executor, std::chrono::milliseconds(std::stoi(request.path("ms"))));
      const auto outcome = co_await timer.async_wait(waybill::detail::as_tuple(asio::use_awaitable));
      if (std::get<0>(outcome)) ++cancelled_;
      co_return "done";
    });
    server().get("/held", [this](Request&) -> asio::awaitable<std::string> {
      is_held_ = true;
      co_await waybill::detail::wait_quietly(gate_);
      co_return "done";
    });
    server().get("/ticks/{ms}", [this](Request& request) {
      Response response;
      const auto witness = std::make_shared<Witness>(running_);
      response.more = [this, witness, executor = request.executor,
                       pause = std::stoi(request.path("ms"))]() -> asio::awaitable<std::optional<std::string>> {
        Timer timer(executor, std::chrono::milliseconds(pause));
        co_await timer.async_wait();
        ++ticks_;
        co_return ticks_ == wanted_ ? std::optional<std::string>() : "tick\n";
      };
      return response;
    });
    start();
  }
  asio::ip::tcp::socket ask(const std::string& target, const std::string& behind = {}) {
    auto socket = connect();
    send(socket, "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n" + behind);
    return socket;
  }
  asio::ip::tcp::socket ask_and_say_all(const std::string& target, const std::string& behind = {}) {
    auto socket = ask(target, behind);
    socket.shutdown(asio::socket_base::shutdown_send);
    return socket;
  }
  struct Witness {
    explicit Witness(int& its_count) : count(its_count) { ++count; }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    ~Witness() { --count; }
    int& count;
  };
  asio::steady_timer gate_{loop_, asio::steady_timer::time_point::max()};
  bool is_held_ = false;
  int cancelled_ = 0;
  int running_ = 0;
  int ticks_ = 0;
  int wanted_ = 0;
};

TEST_F(HttpHalfClosed, WhoReadsOnGetsItsResponse) {
  begin();
  auto socket = ask_and_say_all("/held");
  ASSERT_TRUE(eventually(loop_, [&] { return is_held_; }));
  run_ready(loop_);  // and its FIN is seen
  gate_.cancel();
  const std::string answer = caller().read_to_the_end(socket);
  EXPECT_EQ(status(answer), "200 OK");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(body(answer), "done");
}

TEST_F(HttpHalfClosed, WhoseResponseTakesLongIsToldAndItsCallIsCancelled) {
  begin();
  for (const char* behind : {"", "GET /after/1 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    cancelled_ = 0;
    auto socket = ask_and_say_all("/after/3600000", behind);
    const std::string answer = caller().read_to_the_end(socket);
    EXPECT_EQ(status(answer), "504 Gateway Timeout");
    EXPECT_NE(answer.find("X-Request-Id: "), std::string::npos) << answer;
    EXPECT_NE(answer.find("the caller has ended its side"), std::string::npos) << answer;
    EXPECT_EQ(cancelled_, 1);
  }
}

TEST_F(HttpHalfClosed, WhoHasLeftCancelsItsCall) {
  begin();
  {
    auto leaves = ask("/after/3600000");
    run_ready(loop_);
  }
  EXPECT_TRUE(eventually(loop_, [&] { return cancelled_ == 1; }));
}

TEST_F(HttpHalfClosed, WhoReadsAStreamOnGetsAllOfIt) {
  begin();
  wanted_ = 300;  // one and a half seconds at least
  auto socket = ask_and_say_all("/ticks/5");
  const std::string answer = caller().read_to_the_end(socket);
  EXPECT_TRUE(answer.ends_with("tick\n\r\n0\r\n\r\n")) << answer;
  EXPECT_EQ(ticks_, wanted_);
}

TEST_F(HttpHalfClosed, WhoLeavesAStreamEndsIt) {
  begin();
  for (const char* behind : {"", "GET /after/1 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    for (const char* target : {"/ticks/50", "/ticks/3600000"}) {
      {
        auto leaves = ask(target, behind);
        ASSERT_TRUE(eventually(loop_, [&] { return running_ == 1; })) << target;
      }
      EXPECT_TRUE(eventually(loop_, [&] { return running_ == 0; })) << target;
    }
  }
}

}  // namespace
}  // namespace waybill::test
