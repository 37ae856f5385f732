// Applications: listeners, clients and HTTP in one program, as a caller with curl sees them.
#include "waybill/application.hpp"

#include "support/application_rig.hpp"
#include "support/held_port.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/time.hpp"
#include "waybill/transports/memory.hpp"

#include <asio/detached.hpp>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <optional>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

class Applications : public ApplicationRig, public testing::TestWithParam<const char*> {
 protected:
  std::string get(const std::string& target, const std::string& fields = {}) { return caller_->get(target, fields); }
  static std::string status(const std::string& response) { return HttpCaller::status(response); }
  static std::string body(const std::string& response) { return HttpCaller::body(response); }
};

constexpr const char* k_hybrid = R"(
log: off
listeners:
  - memory://hybrid
clients:
  inside: { url: "memory://hybrid", serializer: SERIALIZER, timeout: 5s }
http:
  listen: 127.0.0.1:0
  routes:
    - { get: /hello, request: { client: inside, pattern: { cmd: hello }, body: $query.name or World } }
    - { get: "/sum/{a}", request: { client: inside, pattern: sum, body: [ $path.a as number, $query.b as number ] } }
    - { post: /orders, event: { client: inside, pattern: order.created, body: $body } }
    - { get: "/count/{to}", stream: { client: inside, pattern: count, body: { to: $path.to as number, by: $query.by or nothing } } }
    - { get: /nobody, request: { client: inside, pattern: nobody } }
    - { get: /fails, request: { client: inside, pattern: fails, body: $query.how } }
)";

struct Range {
  int to = 0;
  std::optional<std::string> by;
};

void add_handlers(Application& app, std::vector<std::string>& orders) {
  app.on_request({{"cmd", "hello"}}, [](const std::string& name) { return "hello " + name; });
  app.on_request("sum", [](const std::vector<double>& numbers) {
    double sum = 0;
    for (const double number : numbers) sum += number;
    return sum;
  });
  struct Order {
    std::string item;
  };
  app.on_event("order.created", [&orders](const Order& order) { orders.push_back(order.item); });
  app.on_request("count", [](Range range) -> Stream<int> {
    if (range.by == "x") throw Error("E1", "by is not known");
    if (range.by == "1") {
      co_yield 1;
      throw Error("E2", "no more");
    }
    for (int i = 1; i <= range.to; ++i) co_yield i;
  });
  struct Answer {
    int status;
    std::string message;
  };
  app.on_request("fails", [](const std::string& how) -> int {
    if (how == "status") throw Error::with_body(Answer{404, "no such order"});
    if (how == "own") throw Error("E42", "sold out");
    throw std::runtime_error("secret");
  });
}

TEST_P(Applications, RoutesOfTheConfigurationReachHandlers) {
  std::string yaml = k_hybrid;
  yaml.replace(yaml.find("SERIALIZER"), 10, GetParam());
  std::vector<std::string> orders;
  add_handlers(make(yaml), orders);
  start();
  const std::string hello = get("/hello?name=hohoho");
  EXPECT_EQ(status(hello), "200 OK") << hello;
  EXPECT_NE(hello.find("Content-Type: text/plain"), std::string::npos);
  EXPECT_EQ(body(hello), "hello hohoho");
  EXPECT_EQ(body(get("/hello")), "hello World");
  EXPECT_EQ(status(get("/sum/1")), "400 Bad Request");
  EXPECT_EQ(body(get("/sum/2.5?b=4")), "6.5");
  EXPECT_NE(get("/sum/x?b=4").find("expected a number"), std::string::npos);
  const std::string accepted = caller_->post("/orders", R"({"item":"tea"})");
  EXPECT_EQ(status(accepted), "202 Accepted");
  EXPECT_TRUE(body(accepted).starts_with("{\"id\":\"")) << accepted;
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return orders == std::vector<std::string>{"tea"}; }));
  EXPECT_EQ(status(caller_->post("/orders", "{\"item\":}")), "400 Bad Request");
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_EQ(status(caller_->post("/orders", deep)), "400 Bad Request");
  EXPECT_EQ(status(get("/nobody")), "502 Bad Gateway");
  EXPECT_EQ(status(get("/fails?how=status")), "404 Not Found");
  EXPECT_NE(get("/fails?how=status").find(R"("error":{"status":404,"message":"no such order"})"), std::string::npos);
  EXPECT_EQ(body(get("/fails?how=own")), R"({"type":"about:blank","title":"Internal Server Error","status":500})");
  EXPECT_EQ(status(get("/fails?how=else")), "500 Internal Server Error");
}

TEST_P(Applications, StreamsAreEventsOrLines) {
  std::string yaml = k_hybrid;
  yaml.replace(yaml.find("SERIALIZER"), 10, GetParam());
  std::vector<std::string> orders;
  add_handlers(make(yaml), orders);
  start();
  const auto is_whole = [](const std::string& text) { return text.ends_with("0\r\n\r\n"); };
  auto socket = caller_->connect();
  HttpCaller::send(socket, "GET /count/3 HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
  const std::string events = caller_->read(socket, is_whole);
  EXPECT_NE(events.find("Content-Type: text/event-stream\r\n"), std::string::npos) << events;
  EXPECT_NE(events.find("data: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n0\r\n\r\n"), std::string::npos)
      << events;
  HttpCaller::send(socket, "GET /count/2 HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string lines = caller_->read(socket, is_whole);
  EXPECT_NE(lines.find("Content-Type: application/jsonl\r\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n"), std::string::npos) << lines;
  HttpCaller::send(socket, "GET /count/2?by=1 HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
  const std::string failed = caller_->read(socket, is_whole);
  EXPECT_NE(failed.find("data: 1\n\n"), std::string::npos) << failed;
  EXPECT_NE(failed.find("event: error\ndata: {\"type\":"), std::string::npos) << failed;
}

TEST_P(Applications, AStreamThatFailsBeforeItsFirstValueHasAStatusOfItsOwn) {
  std::string yaml = k_hybrid;
  yaml.replace(yaml.find("SERIALIZER"), 10, GetParam());
  yaml += "    - { get: /no-stream, stream: { client: inside, pattern: nobody } }\n";
  std::vector<std::string> orders;
  add_handlers(make(yaml), orders);
  start();
  EXPECT_EQ(status(get("/count/2?by=x")), "500 Internal Server Error");
  EXPECT_EQ(status(get("/no-stream", "Accept: text/event-stream\r\n")), "502 Bad Gateway");
}

TEST_P(Applications, AFieldOfTheHeadThatIsNoUtf8IsItsCallersMistake) {
  std::string yaml = k_hybrid;
  yaml.replace(yaml.find("SERIALIZER"), 10, GetParam());
  yaml += "    - { get: /tenant, request: { client: inside, pattern: { cmd: hello }, body: $header.X-Tenant } }\n";
  std::vector<std::string> orders;
  add_handlers(make(yaml), orders);
  start();
  EXPECT_EQ(body(get("/tenant", "X-Tenant: \xc3\xa9\r\n")), "hello \xc3\xa9");
  for (const char* value : {"\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(status(get("/tenant", "X-Tenant: " + std::string(value) + "\r\n")), "400 Bad Request");
  }
}

INSTANTIATE_TEST_SUITE_P(With, Applications, testing::Values("json", "msgpack"),
                         [](const auto& of) { return std::string(of.param); });

class Application1 : public Applications {};

TEST_F(Application1, CallsItselfThroughAListenerAndClientsThatCodeAdds) {
  make(R"(
log: off
listeners: { inside: "tcp://127.0.0.1:0", outside: memory://outside }
clients: { own: self:inside }
http: { listen: "127.0.0.1:0", routes: [ { get: /who, request: { client: own, pattern: who } } ] }
)");
  app_->service().at("inside").on_request("who", [] { return "inside"; });
  app_->service().at("outside").on_request("who", [] { return "outside"; });
  app_->http().get("/other", [this](http::Request& request) -> asio::awaitable<std::string> {
    co_return co_await app_->client("other").request<std::string>("who", 1, request.call_options());
  });
  start();
  app_->add_client("other", ClientConfig::from_url("memory://outside"));
  EXPECT_EQ(body(get("/who")), "inside");
  EXPECT_EQ(body(get("/other")), "outside");
  EXPECT_THROW(app_->add_client("own", ClientConfig::from_url("memory://outside")), Error);
  EXPECT_THROW(app_->client("nobody"), Error);
}

TEST_F(Application1, ARouteInCodeCallsAClient) {
  make("log: off\nlisteners: [memory://code]\nclients: { hello: memory://code }\nhttp: 127.0.0.1:0\n");
  app_->on_request("hello", [](const std::string& name) { return "hello " + name; });
  app_->http().get("/hello", [this](http::Request& request) -> asio::awaitable<std::string> {
    const std::string name = request.query("name", "World");
    co_return co_await app_->client("hello").request<std::string>("hello", name, request.call_options());
  });
  start();
  EXPECT_EQ(body(get("/hello")), "hello World");
}

TEST_F(Application1, ARouteWaitsNoLongerThanItsClient) {
  make(
      "log: off\nlisteners: [memory://late]\nclients: { late: { url: memory://late, timeout: 50ms } }\nhttp: { listen: "
      "\"127.0.0.1:0\", routes: [ { get: /late, request: { client: late, pattern: late } } ] }\n");
  app_->on_request("late", [](Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor(), 1h);
    co_await timer.async_wait();
    co_return 1;
  });
  start();
  EXPECT_EQ(status(get("/late")), "504 Gateway Timeout");
}

TEST_F(Application1, SaysWhetherItIsReady) {
  make(
      "log: off\nlisteners: { door: memory://ready }\nclients: { away: { url: \"tcp://127.0.0.1:1\" } }\nhttp: "
      "127.0.0.1:0\n"
      "health: { required: [away] }\n");
  app_->on_request("hello", [] { return 1; });
  EXPECT_FALSE(app_->health().is_ready());
  start();
  EXPECT_EQ(body(get("/livez")), "ok");
  const std::string ready = get("/readyz");
  EXPECT_EQ(status(ready), "503 Service Unavailable");
  EXPECT_NE(ready.find(R"({"name":"listener door","ready":true})"), std::string::npos) << ready;
  EXPECT_NE(ready.find(R"({"name":"client away","ready":false,"why":")"), std::string::npos) << ready;
  EXPECT_TRUE(eventually(loop_, [this] { return get("/readyz").find("Connection refused") != std::string::npos; }))
      << "it says why";
}

TEST_F(Application1, AStartThatFailsEndsWhatIsUpAndNamesThePart) {
  asio::ip::tcp::acceptor taken(loop_, {asio::ip::make_address("127.0.0.1"), 0});
  const std::string port = std::to_string(taken.local_endpoint().port());
  make("log: off\nlisteners: [\"tcp://127.0.0.1:0\"]\nhttp: 127.0.0.1:" + port + '\n');
  app_->on_request("hello", [] { return 1; });
  try {
    run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_));
    FAIL() << "the port is taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("http: cannot listen on 127.0.0.1:" + port), std::string::npos)
        << error.what();
  }
  asio::ip::tcp::socket socket(loop_);
  const std::string tcp = app_->addresses().front();
  const auto tcp_port = static_cast<std::uint16_t>(std::stoi(tcp.substr(tcp.rfind(':') + 1)));
  asio::error_code refused;
  socket.connect({asio::ip::make_address("127.0.0.1"), tcp_port}, refused);
  EXPECT_EQ(refused, asio::error::connection_refused) << tcp;
}

TEST_F(Application1, AnHttpPortThatAnEndingProgramStillHasIsWaitedFor) {
  const HeldPort held;
  asio::ip::tcp::acceptor taken(loop_, held.endpoint());
  make("log: off\nhttp: " + held.address() + '\n');
  std::optional<Result<void>> outcome;
  app_->start([&outcome](Result<void> started) { outcome = std::move(started); });
  run_ready(loop_);
  EXPECT_FALSE(outcome) << "the program that has the port may be about to leave";
  taken.close();
  ASSERT_TRUE(eventually(loop_, [&outcome] { return outcome.has_value(); }));
  EXPECT_TRUE(*outcome) << outcome->error().what();
}

TEST_F(Application1, ADrainAnswersWhatIsInHand) {
  make(
      "log: off\nlisteners: [memory://drain]\nclients: { self: memory://drain }\nhttp: { listen: \"127.0.0.1:0\", "
      "routes: "
      "[ { get: /slow, request: { client: self, pattern: slow } } ] }\n");
  app_->on_request("slow", [](Context& context) -> asio::awaitable<std::string> {
    Timer timer(context.executor(), 100ms);
    co_await timer.async_wait();
    co_return "done";
  });
  start();
  auto socket = caller_->connect();
  HttpCaller::send(socket, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  eventually(loop_, 30ms, [] { return false; });
  std::optional<std::size_t> left;
  app_->drain(5s, [&](const Result<ApplicationReport>& report) { left = report->requests_left; });
  EXPECT_EQ(body(caller_->read(socket, HttpCaller::has_body)), "done");
  socket.close();
  EXPECT_TRUE(eventually(loop_, 5s, [&] { return left.has_value(); }));
  EXPECT_EQ(left.value_or(99), 0u);
}

/// Counts calls and messages, by URL.
struct Seen : Observer {
  std::map<std::string, int> calls, messages;
  void call_ended(const ObservedCall& call, const Error*, std::chrono::nanoseconds) noexcept override {
    ++calls[std::string(call.url)];
  }
  void message_came(const ObservedMessage& message) noexcept override { ++messages[std::string(message.url)]; }
};

TEST_F(Application1, AnObserverIsToldOfAllListenersAndClientsAlsoOfThoseAddedLater) {
  make(
      "log: off\nlisteners: { a: memory://seen-a, b: memory://seen-b }\n"
      "clients: { a: memory://seen-a, b: memory://seen-b }\n");
  app_->on_request("hello", [] { return "hello"; });
  Client& early = app_->client("a");
  const auto seen = std::make_shared<Seen>();
  const auto second = std::make_shared<Seen>();
  app_->observe(seen).observe(second);
  const auto ask = [](Client& client) -> asio::awaitable<void> { co_await client.request<std::string>("hello", 1); };
  run_until(loop_, [](Application& app) -> asio::awaitable<void> { co_await app.start(); }(*app_));
  Client& late = app_->add_client("late", ClientConfig::from_url("memory://seen-b"));
  for (Client* client : {&early, &app_->client("b"), &late}) run_until(loop_, ask(*client));
  const std::map<std::string, int> calls{{"memory://seen-a", 1}, {"memory://seen-b", 2}};
  for (const auto& one : {seen, second}) {
    EXPECT_EQ(one->calls, calls);
    EXPECT_EQ(one->messages, calls);
  }
  EXPECT_THROW(app_->observe(seen), Error);
}

TEST_F(Application1, IsNotReadyWhileHandlersHoldEveryThreadOfThePool) {
  make(
      "log: off\nhandler_threads: 2\nlisteners: [memory://stuck]\nclients: { self: memory://stuck }\n"
      "health: { stuck_after: 100ms }\nhttp: 127.0.0.1:0\n");
  std::promise<void> free;
  const std::shared_future<void> freed = free.get_future().share();
  app_->on_event("hangs", [freed](int) { freed.wait(); });
  start();
  EXPECT_EQ(status(get("/readyz")), "200 OK");
  app_->client("self").emit("hangs", 1, asio::detached);
  EXPECT_FALSE(eventually(loop_, 300ms, [&] { return !app_->health().is_ready(); })) << "one thread is free";
  app_->client("self").emit("hangs", 2, asio::detached);
  EXPECT_TRUE(eventually(loop_, 3s, [&] { return status(get("/readyz")) == "503 Service Unavailable"; }));
  EXPECT_NE(body(get("/readyz")).find("{\"name\":\"handler pool\",\"ready\":false,\"why\":\"for "), std::string::npos);
  free.set_value();
  EXPECT_TRUE(eventually(loop_, 3s, [&] { return status(get("/readyz")) == "200 OK"; }));
}

TEST_F(Application1, ALossThatIsMendedAtOnceIsSeenByWhoAsksOnceASecond) {
  const auto broker = memory::Broker::make();
  const auto registry = std::make_shared<Registry>();
  registry->add_serializer(json::make_json_serializer());
  registry->add_transport("memory", broker->factory());
  const std::string yaml = "log: off\nlisteners: { inside: \"memory://lost\" }\nhttp: 127.0.0.1:0\n";
  app_.emplace(loop_.get_executor(), ApplicationConfig::parse(yaml), registry);
  app_->on_event("seen", [](int) {});
  start();
  EXPECT_TRUE(app_->health().is_ready());
  broker->disconnect_listeners();
  const auto is_back = [&] { return app_->service().listeners()[0].status == Status::ready; };
  EXPECT_TRUE(eventually(loop_, 3s, [&] { return !is_back(); }));
  EXPECT_TRUE(eventually(loop_, 3s, is_back));
  EXPECT_NE(body(get("/readyz")).find("was not ready a moment ago"), std::string::npos);
  EXPECT_TRUE(eventually(loop_, 3s, [&] { return app_->health().is_ready(); }));
}

TEST(ApplicationConfigs, TellEveryMistakeWithItsLine) {
  try {
    ApplicationConfig::parse(R"(
clients: { orders: tcp://127.0.0.1:3000 }
http:
  listen: 127.0.0.1:8101
  max_bdy: 1MiB
  routes:
    - { get: /a, request: { client: order, pattern: a } }
    - { get: "/b/{id}", request: { client: orders, pattern: b, body: $path.idd } }
    - { get: /c, request: { client: orders, pattern: c, body: $querry.x } }
    - { fetch: /d, event: { client: orders, pattern: d } }
    - { get: /e }
    - { get: /f, request: { client: orders, pattern: f }, event: { client: orders, pattern: f } }
    - { get: /g, request: { client: orders, pattern: true } }
)");
    FAIL() << "it is full of mistakes";
  } catch (const Error& error) {
    const std::string what = error.what();
    for (const char* part : {"config:5: http: unknown option \"max_bdy\"",
                             "config:7: no client \"order\" is configured; did you mean \"orders\"",
                             "config:8: the path /b/{id} has no {idd}", "config:9: expected $path.NAME",
                             "config:10: the method of a route", "config:11: what a route does is missing",
                             "config:12: what a route does: there is one already"}) {
      EXPECT_NE(what.find(part), std::string::npos) << part << "\nin\n" << what;
    }
  }
}

}  // namespace
}  // namespace waybill::test
