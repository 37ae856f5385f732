// Streams over HTTP: how they begin, and that the service behind the route is told when their caller leaves.
#include "support/application_rig.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/time.hpp"

#include <map>
#include <memory>
#include <string>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

class LeavingOverHttp : public ApplicationRig, public testing::TestWithParam<const char*> {};

TEST_P(LeavingOverHttp, CancelsTheStreamOfTheServiceAndNoOther) {
  int running = 0;
  std::map<std::string, int> ticks;
  make(std::string("log: off\nlisteners: { inside: \"") + GetParam() + R"(" }
clients: { inside: self:inside }
http:
  listen: 127.0.0.1:0
  routes:
    - { get: "/ticks/{name}", stream: { client: inside, pattern: ticks, body: $path.name } }
    - { get: /silence, stream: { client: inside, pattern: silence } }
)");
  struct Counted {
    explicit Counted(int& its_count) : count(its_count) { ++count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count; }
    int& count;
  };
  app_->on_request("ticks", [&](const std::string& name) -> Stream<int> {
    const Counted counted(running);
    for (;;) {
      Timer timer(loop_.get_executor(), 1ms);
      co_await timer.async_wait();
      co_yield ++ticks[name];
    }
  });
  app_->on_request("silence", [&]() -> Stream<int> {
    const Counted counted(running);
    Timer timer(loop_.get_executor(), 1h);
    co_await timer.async_wait();
    co_yield 1;
  });
  start();
  const auto ask = [&](const std::string& target) {
    auto socket = caller_->connect();
    HttpCaller::send(socket, "GET " + target + " HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
    return socket;
  };
  auto leaves = ask("/ticks/one");
  auto stays = ask("/ticks/two");
  auto waits = ask("/silence");
  ASSERT_TRUE(eventually(loop_, [&] { return running == 3 && ticks["one"] > 2 && ticks["two"] > 2; }));
  leaves.close();
  waits.close();
  EXPECT_TRUE(eventually(loop_, [&] { return running == 1; })) << running;
  const int so_far = ticks["two"];
  EXPECT_TRUE(eventually(loop_, [&] { return ticks["two"] > so_far + 10; }));
  stays.close();
  EXPECT_TRUE(eventually(loop_, [&] { return running == 0; })) << running;
}

class BegunValues : public ApplicationRig, public testing::Test {
 protected:
  /// A stream that waits for open(), and fails then or has one value, behind a route that waits so long for it.
  void begin(std::chrono::milliseconds patience, const std::string& http = "127.0.0.1:0") {
    make("log: off\nlisteners: { inside: memory://begun }\nclients: { inside: self:inside }\nhttp: " + http);
    app_->on_request("values", [this](bool fails) -> Stream<int> {
      has_begun_ = true;
      if (!is_open_) co_await detail::wait_quietly(gate_);
      if (fails) throw Error::with_body(Answer{409, "sold out"});
      co_yield 1;
    });
    app_->http().get("/{fails}", [this, patience](http::Request& request) -> asio::awaitable<http::Response> {
      const bool fails = request.path("fails") == "fails";
      CallOptions options = request.call_options();
      options.timeout = std::chrono::milliseconds::max();  // as routes of the configuration have it
      auto values = app_->client("inside").stream<Payload>("values", fails, options);
      co_return co_await http::Response::begun_values(request, std::move(values), patience);
    });
    start();
  }
  struct Answer {
    int status;
    std::string message;
  };
  void open() {
    is_open_ = true;
    gate_.cancel();
  }
  asio::ip::tcp::socket ask(const std::string& path) {
    auto socket = caller_->connect();
    HttpCaller::send(socket, "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(eventually(loop_, [&] { return has_begun_; }));
    run_ready(loop_);
    return socket;
  }
  asio::steady_timer gate_{loop_, asio::steady_timer::time_point::max()};
  bool has_begun_ = false;
  bool is_open_ = false;
};

TEST_F(BegunValues, TheFirstValueBeginsTheResponse) {
  begin(1h);
  auto socket = ask("/one");
  EXPECT_EQ(socket.available(), 0u) << "it has begun, and nothing is known yet";
  open();
  const std::string response = caller_->read_to_the_end(socket);
  EXPECT_EQ(HttpCaller::status(response), "200 OK");
  EXPECT_NE(response.find("2\r\n1\n\r\n0\r\n\r\n"), std::string::npos) << response;
}

TEST_F(BegunValues, AnErrorBeforeTheFirstValueHasItsOwnStatus) {
  begin(1h);
  auto socket = ask("/fails");
  EXPECT_EQ(socket.available(), 0u);
  open();
  const std::string response = caller_->read_to_the_end(socket);
  EXPECT_EQ(HttpCaller::status(response), "409 Conflict") << response;
}

TEST_F(BegunValues, WhereNothingComesTheResponseBeginsWithoutIt) {
  begin(1ms);
  for (const std::string path : {"/one", "/fails"}) {
    is_open_ = has_begun_ = false;
    gate_.expires_at(asio::steady_timer::time_point::max());
    auto socket = ask(path);
    const std::string head = caller_->read(socket, [](const std::string& text) { return text.ends_with("\r\n\r\n"); });
    EXPECT_EQ(HttpCaller::status(head), "200 OK") << path;
    open();
    const std::string rest = caller_->read_to_the_end(socket);
    EXPECT_NE(rest.find(path == "/one" ? "1\n" : "\"status\":409"), std::string::npos) << rest;
    EXPECT_TRUE(rest.ends_with("0\r\n\r\n")) << rest;
  }
}

TEST_F(BegunValues, AFirstValueThatNeverComesEndsAtTheDeadline) {
  begin(1ms, "{ listen: 127.0.0.1:0, timeout: 300ms }");
  auto socket = ask("/one");
  const std::string response = caller_->read_to_the_end(socket);
  EXPECT_EQ(HttpCaller::status(response), "200 OK") << response;
  EXPECT_NE(response.find("\"status\":504"), std::string::npos) << response;
  EXPECT_TRUE(response.ends_with("0\r\n\r\n")) << response;
}

/// A program that is told to stop while streams run that never end.
class StoppingWithStreams : public ApplicationRig, public testing::TestWithParam<const char*> {
 protected:
  void begin(const std::string& log = "off") {
    make("log: " + log + "\nlisteners: { inside: \"" + GetParam() + R"(" }
clients: { inside: self:inside }
http:
  listen: 127.0.0.1:0
  routes:
    - { get: "/ticks/{size}", stream: { client: inside, pattern: ticks, body: $path.size as number } }
    - { get: /slow, request: { client: inside, pattern: slow } }
)");
    app_->on_request("ticks", [this](int size) -> Stream<std::string> {
      for (;;) {
        Timer timer(loop_.get_executor(), 1ms);
        co_await timer.async_wait();
        ++yielded_;
        co_yield std::string(static_cast<std::size_t>(size), 'x');
      }
    });
    app_->on_request("slow", [this]() -> asio::awaitable<std::string> {
      is_slow_ = true;
      co_await waybill::detail::wait_quietly(outlives_them_);
      co_return "done";
    });
    start();
  }
  asio::ip::tcp::socket ask(const std::string& path, const std::string& fields = {}) {
    auto socket = caller_->connect();
    HttpCaller::send(socket, "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    return socket;
  }
  void drain(std::chrono::milliseconds limit) {
    app_->drain(limit, [this](const Result<ApplicationReport>& report) { report_ = *report; });
  }
  asio::steady_timer outlives_them_{loop_, asio::steady_timer::time_point::max()};
  bool is_slow_ = false;
  int yielded_ = 0;
  std::optional<ApplicationReport> report_;
};

TEST_P(StoppingWithStreams, TheirReadersAreToldAndOthersHaveAllOfTheTime) {
  begin();
  auto events = ask("/ticks/1", "Accept: text/event-stream\r\n");
  auto lines = ask("/ticks/1");
  ASSERT_TRUE(eventually(loop_, [&] { return events.available() > 300 && lines.available() > 300; }));
  auto slow = ask("/slow");
  ASSERT_TRUE(eventually(loop_, [&] { return is_slow_; }));
  drain(12s);
  const std::string told = caller_->read_to_the_end(events);
  EXPECT_NE(told.find("event: error\ndata: {"), std::string::npos) << told.substr(told.size() - 300);
  EXPECT_NE(told.find("\"status\":503"), std::string::npos);
  EXPECT_TRUE(told.ends_with("\r\n0\r\n\r\n"));
  const std::string last = caller_->read_to_the_end(lines);
  EXPECT_NE(last.find("\"code\":\"closed\""), std::string::npos) << last.substr(last.size() - 300);
  EXPECT_TRUE(last.ends_with("\r\n0\r\n\r\n"));
  outlives_them_.cancel();
  EXPECT_EQ(HttpCaller::body(caller_->read_to_the_end(slow)), "done");
  for (auto* socket : {&events, &lines, &slow}) socket->close();
  ASSERT_TRUE(eventually(loop_, [&] { return report_.has_value(); }));
  EXPECT_EQ(report_->requests_left, 0u);
  EXPECT_EQ(report_->deliveries.abandoned, 0u);
}

TEST_P(StoppingWithStreams, AReaderWhoReadsNothingDoesNotHoldTheEndUp) {
  testing::internal::CaptureStderr();
  begin("debug");
  auto reads_nothing = ask("/ticks/100000");
  const auto is_stuck = [this, before = 0, looks = 0]() mutable {
    looks = std::exchange(before, yielded_) == yielded_ ? looks + 1 : 0;
    return yielded_ > 10 && looks > 40;
  };
  EXPECT_TRUE(eventually(loop_, is_stuck));
  drain(6s);
  EXPECT_TRUE(eventually(loop_, [&] { return report_.has_value(); }));
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("reads nothing"), std::string::npos) << "it was the limit that ended it";
  ASSERT_TRUE(report_);
  EXPECT_EQ(report_->requests_left, 0u);
}

constexpr const char* k_carriers[] = {"memory://stopping", "tcp://127.0.0.1:0", "tcp://127.0.0.1:0?framing=binary"};

INSTANTIATE_TEST_SUITE_P(OverEach, StoppingWithStreams, testing::ValuesIn(k_carriers),
                         [](const auto& one) { return "carrier_" + std::to_string(one.index); });

INSTANTIATE_TEST_SUITE_P(OverEach, LeavingOverHttp,
                         testing::Values("memory://leaving", "tcp://127.0.0.1:0", "tcp://127.0.0.1:0?framing=binary"),
                         [](const auto& one) { return "carrier_" + std::to_string(one.index); });

}  // namespace
}  // namespace waybill::test
