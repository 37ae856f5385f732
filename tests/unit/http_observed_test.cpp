// What an observer is told of requests over HTTP.
#include "support/http_server.hpp"
#include "waybill/time.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using http::Request;
using http::Response;

struct Notes : Observer {
  std::vector<std::string> routes;
  int began = 0;
  std::vector<std::string> ended;
  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override {
    EXPECT_EQ(source.kind, ObservedSource::Kind::http);
    routes.assign(source.routes.begin(), source.routes.end());
    return nullptr;
  }
  void http_began(const ObservedHttp& request) noexcept override {
    ++began;
    EXPECT_EQ(request.status, 0);
  }
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept override {
    EXPECT_TRUE(took > 0ns || request.path.empty());
    ended.push_back(std::string(request.method) + ' ' + std::string(request.path) + ' ' +
                    std::to_string(request.status) + ' ' + std::to_string(request.received) + ' ' +
                    std::to_string(request.sent));
    if (request.route == k_no_route) return;
    EXPECT_TRUE(routes.at(request.route).ends_with(' ' + std::string(request.path))) << routes.at(request.route);
  }
};

TEST_F(HttpServer, AnObserverIsToldOfEachRequestOnceWithItsRouteNeverItsPath) {
  const auto notes = std::make_shared<Notes>();
  server().observe(notes);
  server().get("/a/{x}", [](Request& request) { return request.path("x"); });
  server().post("/b", [](Request& request) { return request.body; });
  server().get("/fails", []() -> std::string { throw std::runtime_error("secret"); });
  start();
  get("/a/secret");
  ask("HEAD /a/secret HTTP/1.1\r\nHost: a\r\n\r\n");
  ask("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
  EXPECT_EQ(status(get("/nowhere")), "404 Not Found");
  EXPECT_EQ(status(ask("DELETE /b HTTP/1.1\r\nHost: a\r\n\r\n")), "405 Method Not Allowed");
  EXPECT_EQ(status(get("/fails")), "500 Internal Server Error");
  ASSERT_EQ(notes->ended.size(), 6u);
  EXPECT_EQ(notes->began, 6);
  EXPECT_EQ(notes->ended[0], "GET /a/{x} 200 0 6");
  EXPECT_EQ(notes->ended[1], "GET /a/{x} 200 0 0");
  EXPECT_EQ(notes->ended[2], "POST /b 200 5 5");
  EXPECT_EQ(notes->ended[3].substr(0, 9), "GET  404 ");
  EXPECT_EQ(notes->ended[4].substr(0, 12), "DELETE  405 ");
  EXPECT_EQ(notes->ended[5].substr(0, 15), "GET /fails 500 ");
  EXPECT_THROW(server().observe(notes), Error);
}

TEST_F(HttpServer, ARequestWhoseCallerLeavesEndsForItsObserver) {
  const auto notes = std::make_shared<Notes>();
  server().observe(notes);
  server().get("/slow", [](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 60s);
    co_await timer.async_wait();
    co_return "late";
  });
  server().get("/endless", [](Request&) {
    Response response;
    response.more = []() -> asio::awaitable<std::optional<std::string>> { co_return std::string(1000, 'x'); };
    return response;
  });
  start();
  for (const char* target : {"/slow", "/endless"}) {
    auto socket = caller().connect();
    HttpCaller::send(socket, std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const int expected = notes->began + 1;
    ASSERT_TRUE(eventually(loop_, 5s, [&] { return notes->began == expected; }));
    socket.close();
    ASSERT_TRUE(eventually(loop_, 5s, [&] { return notes->ended.size() == static_cast<std::size_t>(expected); }));
  }
  EXPECT_EQ(notes->ended[0], "GET /slow 0 0 0");
  EXPECT_EQ(notes->ended[1].substr(0, 18), "GET /endless 200 0");
}

TEST_F(HttpServer, ARequestThatIsRefusedBeforeItIsWholeIsToldToItsObserver) {
  make("?max_body=10&max_head=1KiB&head_timeout=20ms&body_timeout=20ms");
  const auto notes = std::make_shared<Notes>();
  server().observe(notes);
  server().post("/in", [](Request& request) { return request.body; });
  start();
  const std::string post = "POST /in HTTP/1.1\r\nHost: a\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {"nonsense\r\n", " 400"},
      {"BREW /in HTTP/1.1\r\n", " 501"},
      {"GET /in HTTP/2.0\r\n", " 505"},
      {"GET /" + std::string(2000, 'x'), " 414"},
      {post + "X: " + std::string(2000, 'x'), "POST 431"},
      {post + "X: a\n", "POST 400"},
      {post + "Content-Length: 11\r\n\r\n", "POST 413"},
      {post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc", "POST 400"},
      {"POST /in HT", " 408"},
      {post, "POST 408"},
      {post + "Content-Length: 3\r\n\r\nab", "POST 408"},
  };
  for (const auto& [request, told] : cases) {
    notes->ended.clear();
    auto socket = connect();
    send(socket, request);
    const std::string answer = caller().read_to_the_end(socket);
    EXPECT_EQ(status(answer).substr(0, 3), told.substr(told.size() - 3)) << request.substr(0, 80);
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
    ASSERT_EQ(notes->ended.size(), 1u) << request.substr(0, 80);
    EXPECT_EQ(notes->ended[0].substr(0, told.size() + 2),
              told.substr(0, told.size() - 3) + ' ' + told.substr(told.size() - 3) + ' ');
  }
}

}  // namespace
}  // namespace waybill::test
