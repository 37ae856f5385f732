// The trace that an HTTP request belongs to, and that of the calls on its behalf.
#include "support/http_server.hpp"

namespace waybill::test {
namespace {

const std::string k_text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class HttpTrace : public HttpServer {
 protected:
  using Texts = std::map<std::string, std::string>;
  static Texts of_calls(http::Request& request) {
    const CallOptions options = request.call_options();
    return Texts(options.headers.begin(), options.headers.end());
  }
  std::string headers_of_calls(const std::string& fields) {
    if (!server_) {
      server().get("/", [](http::Request& request) { return of_calls(request); });
      start();
    }
    return body(ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n"));
  }
};

TEST_F(HttpTrace, GoesAlongWithCalls) {
  EXPECT_EQ(
      headers_of_calls("Traceparent: " + k_text + "\r\ntracestate: a=1\r\nTraceState: b=2\r\nbaggage: user=ada\r\n"),
      R"({"baggage":"user=ada","traceparent":")" + k_text + R"(","tracestate":"a=1,b=2"})");
  EXPECT_EQ(headers_of_calls("X-Request-Id: r-1\r\n"), R"({"x-request-id":"r-1"})");
}

TEST_F(HttpTrace, MalformedItGoesNoFurther) {
  EXPECT_EQ(headers_of_calls("traceparent: " + k_text + "x\r\ntracestate: a=1\r\nbaggage: \"\r\n"), "{}");
  EXPECT_EQ(headers_of_calls("traceparent: " + k_text + "\r\ntraceparent: " + k_text + "\r\n"), "{}") << "two are none";
}

}  // namespace
}  // namespace waybill::test
