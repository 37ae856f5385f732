// The trace that an HTTP request belongs to, and that of the calls on its behalf.
#include "support/http_server.hpp"

#include <set>

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

TEST_F(HttpTrace, OfAServerThatTracesEachRequestIsAStep) {
  make("?trace=0");
  server().get("/", [](http::Request& request) {
    return request.trace().parent->to_text() + ' ' + *request.call_options().headers.find("traceparent");
  });
  start();
  const auto steps_of = [&](const std::string& fields) { return body(get("/", fields)); };
  const std::string went_on = steps_of("traceparent: " + k_text + "\r\n");
  EXPECT_EQ(went_on.substr(0, 36), k_text.substr(0, 36));
  EXPECT_NE(went_on.substr(36, 16), k_text.substr(36, 16));
  EXPECT_EQ(went_on.substr(52, 3), "-01") << "as its caller has it";
  EXPECT_EQ(went_on.substr(0, 55), went_on.substr(56));
  EXPECT_TRUE(log_.contains(", trace " + k_text.substr(3, 32)));
  const std::string begun = steps_of("traceparent: 00-rubbish\r\n");
  ASSERT_TRUE(Traceparent::parse(begun.substr(0, 55))) << begun;
  EXPECT_EQ(begun.substr(52, 3), "-00");
  EXPECT_NE(steps_of("").substr(0, 36), begun.substr(0, 36));
}

/// Makes a step of each request.
class Steps : public Observer {
 public:
  bool traces() const noexcept override { return true; }
  void http_traced(const ObservedHttp& request, TraceContext& trace) noexcept override {
    EXPECT_TRUE(numbers.insert(request.number).second);
    lines.push_back(std::string(request.method) + ' ' + std::string(request.target) + ' ' + std::string(request.path));
    trace.step(1);
    last = trace;
  }
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds) noexcept override {
    EXPECT_EQ(numbers.erase(request.number), 1u);
  }
  std::set<std::uint64_t> numbers;
  std::vector<std::string> lines;
  TraceContext last;
};

TEST_F(HttpTrace, IsAStepOfAnObserverThatTraces) {
  const auto steps = std::make_shared<Steps>();
  server().observe(steps).get("/orders/{id}", [](http::Request& request) { return of_calls(request); });
  start();
  const std::string seen = body(get("/orders/7?full=true", "traceparent: " + k_text + "\r\nbaggage: user=ada\r\n"));
  EXPECT_EQ(steps->last.parent->trace_id_text(), k_text.substr(3, 32));
  EXPECT_EQ(seen, R"({"baggage":"user=ada","traceparent":")" + steps->last.parent->to_text() + "\"}");
  get("/nowhere");
  EXPECT_EQ(steps->lines, (std::vector<std::string>{"GET /orders/7?full=true /orders/{id}", "GET /nowhere "}));
  EXPECT_TRUE(steps->numbers.empty());
}

TEST(HttpTraceOption, IsAShare) {
  EXPECT_EQ(http::ServerConfig::from_url("127.0.0.1:0?trace=0.25").trace, 0.25);
  EXPECT_EQ(http::ServerConfig::from_url("127.0.0.1:0").trace, std::nullopt);
  EXPECT_THROW(http::ServerConfig::from_url("127.0.0.1:0?trace=2"), Error);
}

}  // namespace
}  // namespace waybill::test
