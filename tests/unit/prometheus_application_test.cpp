// Metrics of whole programs: over HTTP, and exact with many threads over sockets.
#include "support/application_rig.hpp"
#include "support/metrics_page.hpp"
#include "waybill/prometheus.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

class MetricsOfPrograms : public ApplicationRig, public testing::Test {};

TEST_F(MetricsOfPrograms, OneLineOfConfigurationServesThem) {
  make(R"(
log: off
listeners: [ memory://metrics ]
clients: { inside: memory://metrics }
metrics: /metrics
http:
  listen: 127.0.0.1:0
  routes:
    - { get: "/hello/{name}", request: { client: inside, pattern: { cmd: hello }, body: $path.name } }
)");
  app_->on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });
  start();
  for (int i = 0; i < 5; ++i) caller_->get("/hello/" + std::to_string(i));
  caller_->get("/nowhere/secret");
  caller_->ask("BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  caller_->ask("nonsense\r\n\r\n");
  const std::string response = caller_->get("/metrics");
  EXPECT_EQ(HttpCaller::status(response), "200 OK");
  EXPECT_NE(response.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), std::string::npos) << response;
  const std::string text = HttpCaller::body(response);
  const MetricsPage page(text);
  EXPECT_EQ(page.at(R"(waybill_http_requests_total{method="GET",route="/hello/{name}",status="200"})"), 5) << text;
  EXPECT_EQ(page.at("waybill_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"}"), 1);
  EXPECT_EQ(page.at("waybill_http_requests_total{method=\"(other)\",route=\"(none)\",status=\"501\"}"), 1);
  EXPECT_EQ(page.at("waybill_http_requests_total{method=\"(other)\",route=\"(none)\",status=\"400\"}"), 1);
  EXPECT_EQ(page.at(R"(waybill_http_requests_in_flight{method="GET",route="/metrics"})"), 1) << "this one";
  EXPECT_EQ(page.at(R"(waybill_http_request_duration_seconds_count{method="GET",route="/hello/{name}"})"), 5);
  EXPECT_EQ(page.at(R"(waybill_http_sent_bytes_total{method="GET",route="/hello/{name}"})"), 35);
  EXPECT_EQ(page.sum("waybill_client_calls_total"), 5);
  EXPECT_EQ(page.sum("waybill_service_messages_total"), 5);
  EXPECT_EQ(page.at("waybill_held_bytes_limit"), 512 << 20);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST_F(MetricsOfPrograms, TheSectionIsChecked) {
  const auto mistake_of = [](const std::string& metrics) {
    try {
      asio::io_context loop;
      const Application app(
          loop.get_executor(),
          ApplicationConfig::parse("log: off\nlisteners: [memory://m]\nhttp: 127.0.0.1:0\n" + metrics));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(mistake_of("metrics: /other\n"), "");
  EXPECT_EQ(mistake_of("metrics: { path: /m, buckets: [ 0.001, 0.1, 2 ] }\n"), "");
  EXPECT_NE(mistake_of("metrics: other\n").find("config:4: metrics: expected a path such as /metrics"),
            std::string::npos);
  EXPECT_NE(mistake_of("metrics: { pth: /m }\n").find("did you mean \"path\""), std::string::npos);
  EXPECT_NE(mistake_of("metrics: { buckets: [ 2, 1 ] }\n").find("each more than the one before"), std::string::npos);
  EXPECT_NE(mistake_of("metrics: { buckets: [ 10ms ] }\n").find("expected seconds"), std::string::npos);
  EXPECT_NE(mistake_of("metrics: [ /m ]\n").find("expected a path, or a mapping"), std::string::npos);
  try {
    asio::io_context loop;
    const Application app(loop.get_executor(), ApplicationConfig::parse("listeners: [memory://m]\nmetrics: /m\n"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("serves no HTTP"), std::string::npos);
  }
}

/// Calls from a loop and a thread of its own.
int call_many(const std::string& url, const std::shared_ptr<Prometheus>& metrics, int requests) {
  asio::io_context loop(1);
  Client client(loop.get_executor(), url);
  client.observe(metrics);
  int answered = 0;
  int left = requests;
  std::function<void()> next = [&] {
    if (left-- <= 0) return;
    const char* const pattern = left % 5 == 0 ? "fails" : left % 2 ? "later" : "now";
    const Pattern named(pattern);
    client.request<int>(named, left, [&](const Result<int>&) {
      ++answered;
      client.emit("seen", answered, asio::detached);
      if (answered == requests) return client.flush([&](const Result<void>&) { client.close(); });
      next();
    });
  };
  for (int i = 0; i < 16; ++i) next();
  loop.run();
  return answered;
}

std::string free_port(asio::io_context& loop) {
  const asio::ip::tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  return std::to_string(acceptor.local_endpoint().port());
}

TEST(MetricsOfThreads, CountExactlyWhileSomebodyReadsThePage) {
  constexpr int k_requests = 2000;
  constexpr int k_clients = 3;
  asio::io_context waiting;
  const std::string url = "tcp://127.0.0.1:" + free_port(waiting);
  Config config = Config::listen({url});
  config.threads = 2;
  config.handler_threads = 2;
  config.log_level = "off";
  Service service(std::move(config));
  const auto metrics = std::make_shared<Prometheus>();
  service.observe(metrics);
  std::atomic<int> events{0};
  service.on_request("now", [](int number) { return number; });
  service.on_request("later", [](int number) -> asio::awaitable<int> { co_return number; });
  service.on_request("fails", [](int) -> int { throw Error("E1", "no"); });
  service.on_event("seen", [&events](int) { ++events; });
  std::thread server([&service] { EXPECT_EQ(service.run(), 0); });
  std::vector<std::thread> clients;
  std::atomic<int> answered{0}, under_way{k_clients};
  for (int i = 0; i < k_clients; ++i) {
    clients.emplace_back([&] {
      answered += call_many(url, metrics, k_requests);
      --under_way;
    });
  }
  while (under_way > 0) {
    const MetricsPage page(metrics->text());
    EXPECT_GE(page.sum("waybill_client_calls_in_flight"), 0);
    EXPECT_GE(page.sum("waybill_service_messages_in_flight"), 0);
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, k_clients * k_requests);
  EXPECT_TRUE(eventually(waiting, 10s, [&] { return events == k_clients * k_requests; }));
  service.stop();
  server.join();
  const MetricsPage page(metrics->text());
  constexpr double k_all = k_clients * k_requests;
  EXPECT_EQ(page.sum("waybill_client_calls_total", "kind=\"request\""), k_all);
  EXPECT_EQ(page.sum("waybill_client_call_duration_seconds_count", "kind=\"request\""), k_all);
  EXPECT_EQ(page.sum("waybill_client_calls_total", "kind=\"event\""), k_all);
  EXPECT_EQ(page.sum("waybill_client_call_errors_total", "code=\"remote\""), k_all / 5);
  EXPECT_EQ(page.sum("waybill_service_messages_total", "kind=\"request\""), k_all);
  EXPECT_EQ(page.sum("waybill_service_messages_total", "kind=\"event\""), k_all);
  EXPECT_EQ(page.sum("waybill_service_handler_duration_seconds_count"), 2 * k_all);
  EXPECT_EQ(page.sum("waybill_service_messages_settled_total"), 2 * k_all);
  EXPECT_EQ(page.sum("waybill_service_messages_settled_total", "fate=\"acknowledged\""), 2 * k_all);
  EXPECT_EQ(page.sum("waybill_service_handler_errors_total", "code=\"remote\""), k_all / 5);
  EXPECT_EQ(page.sum("waybill_service_messages_in_flight"), 0);
  EXPECT_EQ(page.sum("waybill_client_calls_in_flight"), 0);
}

}  // namespace
}  // namespace waybill::test
