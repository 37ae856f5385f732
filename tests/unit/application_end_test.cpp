// Applications that end in the middle of their work: closed, destroyed, or their loop is, with requests in hand.
#include "support/http_caller.hpp"
#include "waybill/application.hpp"
#include "waybill/time.hpp"

#include <asio/co_spawn.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_yaml = R"(
log: off
listeners: [ "URL" ]
clients: { inside: "URL" }
http:
  listen: 127.0.0.1:0
  routes:
    - { get: /slow, request: { client: inside, pattern: slow } }
    - { get: /ticks, stream: { client: inside, pattern: ticks } }
)";

/// What happens to an application while its callers wait.
class ApplicationEnds : public testing::TestWithParam<const char*> {
 protected:
  static ApplicationConfig config() {
    std::string yaml = k_yaml;
    const std::string url = std::string(GetParam()) == "tcp" ? "tcp://127.0.0.1:0" : "memory://ends";
    yaml.replace(yaml.find("URL"), 3, url);
    yaml.replace(yaml.find("\"URL\""), 5, url.starts_with("tcp") ? "self:listener" : url);
    if (url.starts_with("tcp"))
      yaml.replace(yaml.find("[ \"tcp://127.0.0.1:0\" ]"), 23, "{ listener: { url: \"tcp://127.0.0.1:0\" } }");
    return ApplicationConfig::parse(yaml);
  }
  static void add_handlers(Application& app) {
    app.on_request("slow", [](Context& context) -> asio::awaitable<std::string> {
      Timer timer(context.executor(), 400ms);
      co_await timer.async_wait();
      co_return "done";
    });
    app.on_request("ticks", [](Context& context) -> Stream<std::string> {
      for (;;) {
        Timer timer(context.executor(), 1ms);
        co_await timer.async_wait();
        co_yield std::string(1000, 'x');
      }
    });
    app.http().get("/code", [&app](http::Request& request) -> asio::awaitable<std::string> {
      const std::string nothing;
      co_return co_await app.client("inside").request<std::string>("slow", nothing, request.call_options());
    });
    app.http().get("/timer", [](http::Request& request) -> asio::awaitable<std::string> {
      Timer timer(request.executor, 1h);
      co_await timer.async_wait();
      co_return "";
    });
  }
  static std::vector<asio::ip::tcp::socket> call_all(HttpCaller& caller) {
    std::vector<asio::ip::tcp::socket> callers;
    for (const char* text : {"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", "GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n",
                             "GET /code HTTP/1.1\r\nHost: a\r\n\r\n", "GET /timer HTTP/1.1\r\nHost: a\r\n\r\n",
                             "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "GET /sl"}) {
      callers.push_back(caller.connect());
      HttpCaller::send(callers.back(), text);
    }
    return callers;
  }
};

TEST_P(ApplicationEnds, OnAHostsLoopInAnyOrder) {
  for (const char* how : {"close", "destroy", "destroy the loop", "drain and destroy the loop"}) {
    SCOPED_TRACE(how);
    asio::io_context callers_loop{1};
    auto loop = std::make_unique<asio::io_context>(1);
    auto app = std::make_unique<Application>(loop->get_executor(), config());
    add_handlers(*app);
    run_until(*loop, [](Application& of) -> asio::awaitable<void> { co_await of.start(); }(*app));
    HttpCaller caller(callers_loop, app->addresses().back());
    auto callers = call_all(caller);
    eventually(*loop, 100ms, [] { return false; });
    const std::string what = how;
    if (what == "close") app->close();
    if (what.starts_with("drain")) {
      app->drain(10s, [](const Result<ApplicationReport>&) {});
      eventually(*loop, 30ms, [] { return false; });
    }
    if (what.ends_with("loop")) {
      app->close();
      app.reset();
      loop.reset();
    } else {
      app.reset();
      run_ready(*loop);
      for (auto& socket : callers) EXPECT_FALSE(caller.read_to_the_end(socket).starts_with("HTTP/1.1 5"));
    }
  }
}

TEST_P(ApplicationEnds, OnAStrandOfAPool) {
  asio::thread_pool pool(3);
  asio::io_context callers_loop{1};
  for (int round = 0; round < 5; ++round) {
    auto app = std::make_unique<Application>(asio::make_strand(pool), config());
    add_handlers(*app);
    app->http().get("/quick", [] { return "quick"; });
    app->start(asio::use_future).get();
    HttpCaller caller(callers_loop, app->addresses().back());
    auto callers = call_all(caller);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(HttpCaller::body(caller.get("/quick")), "quick");
    if (round % 2) {
      const auto report = app->drain(50ms, asio::use_future).get();
      EXPECT_GE(report.requests_left, 3u);
    } else {
      app->close();
    }
    app.reset();
    for (auto& socket : callers) EXPECT_FALSE(caller.read_to_the_end(socket).starts_with("HTTP/1.1 5"));
  }
  pool.join();
}

INSTANTIATE_TEST_SUITE_P(Over, ApplicationEnds, testing::Values("memory", "tcp"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace waybill::test
