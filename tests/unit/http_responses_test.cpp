// What code gives as a response: nothing of it may break the connection for the requests behind.
#include "support/http_server.hpp"

namespace waybill::test {
namespace {

using http::Request;
using http::Response;

class HttpResponses : public HttpServer {
 protected:
  /// The responses to a request and to another one behind it, on one connection.
  std::string both(const std::string& method, const std::string& target) {
    auto socket = connect();
    send(socket, method + ' ' + target +
                     " HTTP/1.1\r\nHost: a\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return caller().read_to_the_end(socket);
  }
  void start_with(const std::function<Response()>& make_response) {
    server().get("/first", make_response);
    server().get("/behind", [] { return "the one behind"; });
    start();
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
    return found;
  }
};

TEST_F(HttpResponses, AStatusWithoutABodyTakesNoPieces) {
  int status = 204;
  bool is_asked = false;
  start_with([&] {
    Response response;
    response.status = status;
    response.more = [&is_asked]() -> asio::awaitable<std::optional<std::string>> {
      is_asked = true;
      co_return "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    };
    return response;
  });
  for (status = 204; status <= 304; status += 100) {
    for (const char* method : {"GET", "HEAD"}) {
      const std::string answer = both(method, "/first");
      EXPECT_EQ(count(answer, "HTTP/1.1 "), 2u) << answer;
      EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos) << answer;
      EXPECT_TRUE(answer.ends_with("\r\n\r\nthe one behind")) << answer;
    }
  }
  EXPECT_FALSE(is_asked);
}

TEST_F(HttpResponses, AStatusThatIsNoneIsA500) {
  int status = 0;
  start_with([&] {
    Response response = Response::text("body");
    response.status = status;
    return response;
  });
  for (const int one : {-1, 0, 42, 100, 101, 199, 600, 1000}) {
    status = one;
    const std::string answer = both("GET", "/first");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << one << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nthe one behind")) << answer;
  }
  EXPECT_TRUE(log_.contains("the status of a response is 101"));
}

TEST_F(HttpResponses, FieldsOfCodeDoNotSayWhereTheResponseEnds) {
  start_with([] {
    Response response = Response::text("body");
    response.fields.add("Content-Length", "40");
    response.fields.add("transfer-encoding", "chunked");
    response.fields.add("Connection", "keep-alive");
    response.fields.add("Date", "yesterday");
    response.fields.add("X-Good", "good");
    return response;
  });
  const std::string answer = both("GET", "/first");
  EXPECT_EQ(count(answer, "Content-Length: "), 2u) << answer;
  EXPECT_EQ(answer.find("hunked"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("yesterday"), std::string::npos) << answer;
  EXPECT_NE(answer.find("X-Good: good\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nthe one behind")) << answer;
}

TEST_F(HttpResponses, CodeMayEndTheConnection) {
  start_with([] {
    Response response = Response::text("body");
    response.fields.set("Connection", "close");
    return response;
  });
  const std::string answer = both("GET", "/first");
  EXPECT_EQ(count(answer, "Connection: close\r\n"), 1u) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nbody")) << answer;
}

TEST_F(HttpResponses, NothingInAFieldBeginsAnotherOne) {
  start_with([] {
    Response response = Response::text("body");
    response.fields.add("Location", "/a\r\nSet-Cookie: a=b\r\n\r\n<script>");
    response.fields.add("X-A\r\nX-B: 1", "1");
    response.fields.add("X-C: 2\r\nX-D", "2");
    response.fields.add("", "3");
    response.fields.add("X-E", std::string("4\0\x01\x7f", 4) + "4\t4");
    return response;
  });
  const std::string answer = both("GET", "/first");
  for (const char* none : {"\r\nSet-Cookie", "X-A", "X-B", "X-C", "X-D", "\r\n: "}) {
    EXPECT_EQ(answer.find(none), std::string::npos) << none << " in " << answer;
  }
  EXPECT_NE(answer.find("Location: /aSet-Cookie: a=b<script>\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("X-E: 44\t4\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nthe one behind")) << answer;
}

TEST_F(HttpResponses, WhoAsksForATunnelGetsNoneAndNothingBehindItIsRead) {
  bool is_read = false;
  server().get("/behind", [&is_read] {
    is_read = true;
    return "";
  });
  start();
  auto socket = connect();
  send(socket, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = caller().read_to_the_end(socket);
  EXPECT_EQ(status(answer), "501 Not Implemented");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << answer;
  EXPECT_FALSE(is_read);
}

}  // namespace
}  // namespace waybill::test
