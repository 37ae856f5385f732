// Spans of HTTP requests, and of the calls that they make.
#include "conventions.hpp"
#include "recorded_metrics.hpp"
#include "recorded_spans.hpp"
#include "support/http_server.hpp"
#include "waybill/waybill.hpp"

namespace waybill::test {
namespace {

class HttpSpans : public HttpServer {
 protected:
  const RecordedSpan& only() {
    EXPECT_TRUE(eventually(loop_, [this] { return spans.count() == 1; }));
    const RecordedSpan& span = spans.all().front();
    EXPECT_EQ(span.kind, api::SpanKind::kServer);
    EXPECT_EQ(Conventions(span).broken(), std::vector<std::string>());
    return span;
  }
  RecordedSpans spans;
};

TEST_F(HttpSpans, OfARequestNameItsRouteAndGoOnWithItsCallersTrace) {
  server().observe(spans.tracing()).get("/orders/{id}", [](http::Request& request) { return request.path("id"); });
  start();
  get("/orders/7?full=true", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
  const RecordedSpan& span = only();
  EXPECT_EQ(span.name, "GET /orders/{id}");
  EXPECT_EQ(span.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(span.parent, "00f067aa0ba902b7");
  EXPECT_EQ(span.at("url.path"), "/orders/7");
  EXPECT_EQ(span.at("url.scheme"), "http");
  EXPECT_EQ(span.at("http.response.status_code"), "200");
}

TEST_F(HttpSpans, OfAnErrorOfTheCallerHaveNotFailed) {
  server().observe(spans.tracing());
  start();
  get("/nowhere");
  EXPECT_EQ(only().name, "GET");
}

TEST_F(HttpSpans, OfAnErrorOfTheServerHaveFailed) {
  server().observe(spans.tracing()).get("/", []() -> int { throw std::runtime_error("a secret"); });
  start();
  get("/");
  EXPECT_EQ(only().at("error.type"), "500");
}

TEST_F(HttpSpans, OfAnUnusualMethodDoNotNameIt) {
  server().observe(spans.tracing()).route("PROPFIND", "/", [] { return 1; });
  start();
  ask("PROPFIND / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(only().at("http.request.method_original"), "PROPFIND");
}

TEST_F(HttpSpans, AreParentsOfTheCallsOnTheirBehalf) {
  Service service(loop_.get_executor(), Config::listen({"memory://traced"}));
  service.on_request("sum", [](int value) { return value; });
  run_until(loop_, service.start());
  Client client(loop_.get_executor(), ClientConfig::from_url("memory://traced"));
  client.observe(spans.tracing());
  server().observe(spans.tracing()).get("/", [&client](http::Request& request) -> asio::awaitable<int> {
    co_return co_await client.request<int>("sum", 1, request.call_options());
  });
  start();
  EXPECT_EQ(body(get("/")), "1");
  ASSERT_TRUE(eventually(loop_, [this] { return spans.count() == 2; }));
  EXPECT_EQ(spans.of("send sum").parent, spans.of("GET /").id);
  client.close();
  service.close();
}

class HttpMetrics : public HttpServer {
 protected:
  RecordedMetrics metrics;
};

TEST_F(HttpMetrics, CountEachRequestByRouteAndStatus) {
  server().observe(metrics.metrics()).get("/orders/{id}", [](http::Request& request) { return request.path("id"); });
  start();
  get("/orders/7");
  get("/orders/8");
  get("/nowhere");
  const auto count = [this] {
    std::uint64_t all = 0;
    for (const RecordedSeries& series : metrics.of("http.server.request.duration")) all += series.count;
    return all;
  };
  ASSERT_TRUE(eventually(loop_, [&] { return count() == 3; }));
  const RecordedSeries found = metrics.of("http.server.request.duration", "http.route", "/orders/{id}");
  EXPECT_EQ(found.count, 2u);
  EXPECT_EQ(found.unit, "s");
  EXPECT_EQ(found.at("http.request.method"), "GET");
  EXPECT_EQ(found.at("http.response.status_code"), "200");
  EXPECT_EQ(found.at("url.scheme"), "http");
  EXPECT_EQ(metrics.of("http.server.request.duration", "http.response.status_code", "404").count, 1u);
  EXPECT_EQ(metrics.of("http.server.active_requests", "http.request.method", "GET").value, 0);
  EXPECT_EQ(metrics.of("http.server.response.body.size", "http.route", "/orders/{id}").value, 2);
}

}  // namespace
}  // namespace waybill::test
