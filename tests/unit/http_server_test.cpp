// An HTTP server over real sockets: what callers get, byte for byte.
#include "support/http_server.hpp"

#include "waybill/detail/asio.hpp"
#include "waybill/time.hpp"

#include <asio/co_spawn.hpp>
#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using http::Request;
using http::Response;

struct Order {
  int id = 0;
  std::string item;
  std::optional<bool> express;
  std::vector<int> parts;
};

TEST_F(HttpServer, AnswersTextsAsTextAndTheRestAsJson) {
  server().get("/hello", [](Request& request) { return "hello " + request.query("name", "World"); });
  server().get("/order", [] { return Order{7, "tea", {}, {1, 2}}; });
  server().post("/nothing", [] {});
  start();
  const std::string hello = get("/hello?name=hoho%20ho+o");
  EXPECT_EQ(status(hello), "200 OK");
  EXPECT_NE(hello.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos) << hello;
  EXPECT_NE(hello.find("Date: "), std::string::npos);
  EXPECT_NE(hello.find("X-Request-Id: "), std::string::npos);
  EXPECT_EQ(body(hello), "hello hoho ho o");
  const std::string order = get("/order");
  EXPECT_NE(order.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(body(order), R"({"id":7,"item":"tea","parts":[1,2]})");
  EXPECT_EQ(status(ask("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")), "204 No Content");
}

TEST_F(HttpServer, FillsParametersFromPathQueryAndBody) {
  server().post("/orders/{id}", [](const Order& order) { return order; });
  start();
  const std::string text = R"({"item":"tea","id":9,"parts":[5],"else":{}})";
  const std::string head = "HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ";
  const auto post = [&](const std::string& target, const std::string& body) {
    return ask("POST " + target + ' ' + head + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  EXPECT_EQ(body(post("/orders/7?express=true", text)), R"({"id":7,"item":"tea","express":true,"parts":[5]})");
  EXPECT_EQ(body(post("/orders/7?item=5&parts=1&parts=2", "{}")), R"({"id":7,"item":"5","parts":[1,2]})");
  const std::string wrong = post("/orders/seven?item=x", "{}");
  EXPECT_EQ(status(wrong), "400 Bad Request");
  EXPECT_NE(wrong.find("application/problem+json"), std::string::npos);
  EXPECT_NE(body(wrong).find("id: expected an integer"), std::string::npos) << wrong;
  EXPECT_EQ(status(post("/orders/7", "[1]")), "400 Bad Request");
  EXPECT_EQ(status(post("/orders/7", "{\"item\":")), "400 Bad Request");
  EXPECT_EQ(status(ask("POST /orders/7 HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\n{}")),
            "415 Unsupported Media Type");
}

TEST_F(HttpServer, AListOfTheQueryMayBeEmpty) {
  struct Find {
    int customer = 0;
    std::vector<std::string> state;
  };
  server().get("/customers/{customer}", [](const Find& find) { return std::to_string(find.state.size()); });
  server().post("/customers/{customer}", [](const Find& find) { return std::to_string(find.state.size()); });
  start();
  EXPECT_EQ(body(get("/customers/7?state=open&state=paid")), "2");
  EXPECT_EQ(body(get("/customers/7")), "0");
  EXPECT_EQ(status(ask("POST /customers/7 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")), "400 Bad Request");
  const std::string described = server().open_api();
  EXPECT_NE(described.find(R"({"name":"state","in":"query","required":false,)"), std::string::npos) << described;
}

TEST_F(HttpServer, FindsRoutesAndSaysWhatAPathTakes) {
  server().get("/a/{x}", [](Request& request) { return request.path("x"); });
  server().get("/a/b", [] { return "written"; });
  server().post("/a/b", [] { return "posted"; });
  start();
  EXPECT_EQ(body(get("/a/b")), "written");
  EXPECT_EQ(body(get("/a/c%2Fd")), "c/d");
  EXPECT_EQ(status(get("/a")), "404 Not Found");
  EXPECT_EQ(status(get("/a/")), "404 Not Found");
  const std::string deleted = ask("DELETE /a/b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status(deleted), "405 Method Not Allowed");
  EXPECT_NE(deleted.find("Allow: GET, HEAD, POST, OPTIONS\r\n"), std::string::npos) << deleted;
  EXPECT_EQ(status(ask("OPTIONS /a/b HTTP/1.1\r\nHost: a\r\n\r\n")), "204 No Content");
  auto socket = connect();
  send(socket, "HEAD /a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string head = read(socket, [](const std::string&) { return false; });
  EXPECT_NE(head.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_EQ(body(head), "");
  EXPECT_EQ(status(get("/a/%zz")), "400 Bad Request");
  EXPECT_EQ(body(ask("GET http://other/a/b HTTP/1.1\r\nHost: a\r\n\r\n")), "written");
}

TEST_F(HttpServer, ErrorsAreProblems) {
  server().get("/refused",
               []() -> std::string { throw Error(errc::refused, "amqp://user:secret@inside", End::rejected); });
  server().get("/own", []() -> std::string { throw Error("E42", "sold out", 3); });
  struct Answer {
    int status;
    std::string message;
  };
  server().get("/gone", []() -> std::string { throw Error::with_body(Answer{410, "gone"}); });
  server().get("/problem", []() -> std::string { throw http::Problem(409, "twice"); });
  server().get("/other", []() -> std::string { throw std::runtime_error("secret"); });
  server().get("/late", [](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 1h);
    co_await timer.async_wait();
    co_return "never";
  });
  start();
  const std::string refused = get("/refused");
  EXPECT_EQ(status(refused), "503 Service Unavailable");
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(refused.find("secret"), std::string::npos);
  EXPECT_EQ(body(refused), R"({"type":"about:blank","title":"Service Unavailable","status":503,)"
                           R"("detail":"the other side cannot be reached","code":"refused"})");
  EXPECT_EQ(body(get("/own")), R"({"type":"about:blank","title":"Internal Server Error","status":500})");
  EXPECT_EQ(body(get("/gone")), R"({"type":"about:blank","title":"Gone","status":410,"detail":"gone",)"
                                R"("error":{"status":410,"message":"gone"}})");
  EXPECT_EQ(status(get("/problem")), "409 Conflict");
  const std::string other = get("/other");
  EXPECT_EQ(status(other), "500 Internal Server Error");
  EXPECT_EQ(other.find("secret"), std::string::npos);
  EXPECT_TRUE(log_.contains("GET /other: secret"));
  EXPECT_EQ(status(get("/late", "Request-Timeout: 0.05\r\n")), "504 Gateway Timeout");
  EXPECT_EQ(status(get("/late", "Request-Timeout: soon\r\n")), "400 Bad Request");
}

TEST_F(HttpServer, HostileRequestsGetTheirStatus) {
  make("?max_body=10&max_head=1KiB");
  server().post("/in", [](Request& request) { return request.body; });
  start();
  const std::pair<const char*, const char*> cases[] = {
      {"nonsense\r\n\r\n", "400 Bad Request"},
      {"BREW /in HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented"},
      {"GET /in HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"GET /in HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request"},
      {"GET /in HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported"},
      {"GET /in HTTP/1.1\r\nHost: a\r\nbad field: x\r\n\r\n", "400 Bad Request"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", "413 Content Too Large"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", "400 Bad Request"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
       "400 Bad Request"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad Request"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n",
       "413 Content Too Large"},
      {"POST /in HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", "417 Expectation Failed"},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented"},
  };
  for (const auto& [request, wanted] : cases) EXPECT_EQ(status(ask(request)), wanted) << request;
  EXPECT_EQ(status(get("/in", "Long: " + std::string(2000, 'x') + "\r\n")), "431 Request Header Fields Too Large");
  EXPECT_EQ(status(get('/' + std::string(2000, 'x'))), "414 URI Too Long");
  EXPECT_EQ(
      body(ask("POST /in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
      "abcde");
}

TEST_F(HttpServer, WhoWaitsForContinueGetsIt) {
  server().post("/in", [](Request& request) { return request.body; });
  start();
  auto socket = connect();
  send(socket, "POST /in HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(read(socket, [](const std::string& text) { return text.ends_with("\r\n\r\n"); }),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body(exchange(socket, "abc")), "abc");
}

TEST_F(HttpServer, AConnectionTakesOneRequestAfterTheOther) {
  server().get("/{x}", [](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 5ms);
    co_await timer.async_wait();
    co_return request.path("x");
  });
  start();
  auto socket = connect();
  EXPECT_EQ(body(exchange(socket, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")), "1");
  send(socket,
       "GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\nConnection: "
       "close\r\n\r\n");
  const std::string three = read(socket, [](const std::string&) { return false; });
  const std::size_t second = three.find("\r\n\r\n2HTTP/1.1 200");
  EXPECT_NE(second, std::string::npos) << three;
  EXPECT_NE(three.find("\r\n\r\n3HTTP/1.1 200"), std::string::npos) << three;
  EXPECT_TRUE(three.ends_with("\r\n\r\n4")) << three;
  const std::string old = ask("GET /5 HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(HttpServer, ACallerThatHangsUpCancelsItsHandler) {
  bool is_cancelled = false;
  bool has_begun = false;
  server().get("/wait", [&](Request& request) -> asio::awaitable<std::string> {
    has_begun = true;
    Timer timer(request.executor, 1h);
    const auto outcome = co_await timer.async_wait(waybill::detail::as_tuple(asio::use_awaitable));
    is_cancelled = std::get<0>(outcome) == asio::error::operation_aborted;
    co_return "";
  });
  start();
  {
    auto socket = connect();
    send(socket, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(eventually(loop_, 5s, [&] { return has_begun; }));
  }
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return is_cancelled; }));
}

TEST_F(HttpServer, ABodyInPiecesWaitsForItsReader) {
  int made = 0;
  server().get("/pieces", [&] {
    Response response;
    response.more = [&made]() -> asio::awaitable<std::optional<std::string>> {
      if (++made > 3) co_return std::nullopt;
      co_return std::string(made == 3 ? 100'000 : 3, 'x');
    };
    return response;
  });
  server().get("/endless", [&] {
    Response response;
    response.more = [&made]() -> asio::awaitable<std::optional<std::string>> {
      ++made;
      co_return std::string(64 << 10, 'x');
    };
    return response;
  });
  start();
  auto socket = connect();
  send(socket, "GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string text = read(socket, [](const std::string& so_far) { return so_far.ends_with("0\r\n\r\n"); });
  EXPECT_NE(text.find("Transfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n3\r\nxxx\r\n186a0\r\n"), std::string::npos);
  made = 0;
  {
    auto slow = connect();
    send(slow, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually(loop_, 300ms, [] { return false; });
    const int so_many = made;
    EXPECT_LT(so_many, 500) << "nobody read, and it went on";
    eventually(loop_, 100ms, [] { return false; });
    EXPECT_EQ(made, so_many);
  }
  eventually(loop_, 100ms, [] { return false; });
  const int at_the_end = made;
  eventually(loop_, 100ms, [] { return false; });
  EXPECT_EQ(made, at_the_end) << "its reader has left, and it went on";
}

TEST_F(HttpServer, ADrainAnswersWhatIsInHandAndTakesNothingNew) {
  server().get("/wait", [](Request& request) -> asio::awaitable<std::string> {
    Timer timer(request.executor, 100ms);
    co_await timer.async_wait();
    co_return "done";
  });
  start();
  const auto where = caller().endpoint();
  auto busy = connect();
  auto idle = connect();
  send(busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  eventually(loop_, 30ms, [] { return false; });
  std::optional<std::size_t> left;
  asio::co_spawn(loop_, server().drain(5s), [&](std::exception_ptr, std::size_t count) { left = count; });
  const std::string answer = read(busy, HttpCaller::has_body);
  EXPECT_EQ(body(answer), "done");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(read(idle, [](const std::string&) { return false; }), "");
  busy.close();
  idle.close();
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return left.has_value(); }));
  EXPECT_EQ(left.value_or(99), 0u);
  asio::ip::tcp::socket late(loop_);
  asio::error_code refused;
  late.connect(where, refused);
  EXPECT_EQ(refused, asio::error::connection_refused);
}

TEST_F(HttpServer, PagesOfOtherOriginsReadWhatTheyMay) {
  make("?cors.origins=https://shop.example");
  server().get("/a", [] { return "a"; });
  start();
  EXPECT_NE(get("/a", "Origin: https://shop.example\r\n").find("Access-Control-Allow-Origin: https://shop.example\r\n"),
            std::string::npos);
  EXPECT_EQ(get("/a", "Origin: https://else.example\r\n").find("Access-Control-Allow-Origin"), std::string::npos);
  const std::string preflight =
      ask("OPTIONS /a HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\nAccess-Control-Request-Method: GET\r\n"
          "Access-Control-Request-Headers: x-mine\r\n\r\n");
  EXPECT_EQ(status(preflight), "204 No Content");
  EXPECT_NE(preflight.find("Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"), std::string::npos) << preflight;
  EXPECT_NE(preflight.find("Access-Control-Allow-Headers: x-mine\r\n"), std::string::npos);
}

TEST_F(HttpServer, SlowHeadsAndTooManyConnectionsEnd) {
  make("?head_timeout=50ms&max_connections=2");
  server().get("/a", [] { return "a"; });
  start();
  auto slow = connect();
  send(slow, "GET /a HT");
  auto other = connect();
  EXPECT_EQ(body(exchange(other, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")), "a");
  auto third = connect();
  EXPECT_EQ(read(third, [](const std::string&) { return false; }), "");
  EXPECT_EQ(status(read(slow, [](const std::string&) { return false; })), "408 Request Timeout");
  EXPECT_EQ(body(exchange(other, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")), "a");
}

TEST(HttpRoutes, MistakesAreToldWhenTheyAreMade) {
  asio::io_context loop;
  http::Server server(loop.get_executor(), http::ServerConfig::from_url(":0"), Log());
  const auto nothing = [] {};
  server.get("/a/{b}", nothing);
  EXPECT_THROW(server.get("/a/{c}", nothing), Error);
  EXPECT_THROW(server.get("a", nothing), Error);
  EXPECT_THROW(server.get("/x{y}", nothing), Error);
  EXPECT_THROW(server.get("/{y}/{y}", nothing), Error);
  EXPECT_THROW(server.get("/a?b", nothing), Error);
  EXPECT_THROW(http::ServerConfig::from_url("http://a:1/path"), Error);
  EXPECT_THROW(http::ServerConfig::from_url("http://a:1?max_bdy=1"), Error);
  EXPECT_EQ(server.describe(), std::vector<std::string>{"GET /a/{b}"});
}

}  // namespace
}  // namespace waybill::test
