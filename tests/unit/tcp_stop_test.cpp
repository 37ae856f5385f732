// stop() and drain() of a service, before it is ready and after. Whose address is taken is not ready.
#include "support/eventually.hpp"
#include "support/held_port.hpp"
#include "support/log_capture.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <optional>

namespace waybill::test {
namespace {

class ServiceStop : public testing::Test {
 protected:
  std::string taken_url() const { return "tcp://" + held.address(); }
  /// Its requests "held" end when the gate is opened.
  std::unique_ptr<Service> make_service(const std::vector<std::string>& urls,
                                        std::chrono::milliseconds taken_limit = Startup().taken_limit) {
    Config config = Config::listen(urls);
    for (ListenerConfig& listener : config.listeners) listener.startup.taken_limit = taken_limit;
    auto service = std::make_unique<Service>(loop.get_executor(), std::move(config));
    service->log_to(log.sink());
    service->on_request("held", [this]() -> asio::awaitable<int> {
      ++begun;
      co_await waybill::detail::wait_quietly(gate);
      co_return 1;
    });
    return service;
  }
  auto keep(std::optional<Result<void>>& outcome) {
    return [&outcome](Result<void> started) { outcome.emplace(std::move(started)); };
  }
  std::ptrdiff_t count_at(LogLevel level, std::string_view part) const {
    const auto lines = log.lines();
    return std::count_if(lines.begin(), lines.end(), [&](const LogCapture::Line& line) {
      return line.level == level && line.text.find(part) != std::string::npos;
    });
  }
  void ask(Client& client) {
    client.request<int>("held", 0, [this](const Result<int>& value) { answers += value ? 1 : 0; });
    ASSERT_TRUE(eventually(loop, [this] { return begun == 1; }));
  }

  asio::io_context loop{1};
  HeldPort held;  // no other test takes it when it is given back
  asio::ip::tcp::acceptor taken{loop, held.endpoint()};
  asio::steady_timer gate{loop, asio::steady_timer::time_point::max()};
  LogCapture log;
  int begun = 0;
  int answers = 0;
};

TEST_F(ServiceStop, EndsARunThatWaitsForItsAddress) {
  Service service(Config::listen({taken_url()}));
  service.log_to(log.sink());
  std::future<int> status = std::async(std::launch::async, [&service] { return service.run(); });
  EXPECT_TRUE(eventually(loop, [this] { return log.contains("cannot listen"); }));
  service.stop();
  EXPECT_EQ(status.get(), 0);
  EXPECT_FALSE(log.contains("cannot start")) << "nobody wanted it any more";
}

TEST_F(ServiceStop, BeforeTheRunEndsItAtOnce) {
  Service service(Config::listen({taken_url()}));
  service.log_to(log.sink());
  service.stop();
  EXPECT_EQ(service.run(), 0);
}

TEST_F(ServiceStop, EndsAStartThatWaitsForItsAddress) {
  const auto service = make_service({taken_url()});
  std::optional<Result<void>> outcome;
  service->start(keep(outcome));
  ASSERT_TRUE(eventually(loop, [this] { return log.contains("cannot listen"); }));
  service->stop();
  ASSERT_TRUE(eventually(loop, [&outcome] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->error().code(), errc::closed) << outcome->error().what();
}

TEST_F(ServiceStop, AnAddressThatStaysTakenIsToldOnce) {
  Config config = Config::listen({taken_url()});
  config.log_level = "debug";
  Service service(loop.get_executor(), config);
  service.log_to(log.sink());
  service.start([](const Result<void>&) {});
  ASSERT_TRUE(eventually(loop, [&] { return count_at(LogLevel::debug, "cannot listen") >= 2; }));
  EXPECT_EQ(count_at(LogLevel::warning, "another program listens on that port"), 1);
  service.close();
}

TEST_F(ServiceStop, AnAddressThatStaysTakenEndsTheStartSoonAndSaysWhatToDo) {
  const auto service = make_service({taken_url()});
  std::optional<Result<void>> outcome;
  service->start(keep(outcome));
  ASSERT_TRUE(eventually(loop, [&outcome] { return outcome.has_value(); })) << "it tried for half a minute";
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code(), std::errc::address_in_use);
  EXPECT_TRUE(outcome->error().code() == errc::refused);
  const std::string told = outcome->error().what();
  EXPECT_NE(told.find("Address already in use: another program listens on that port"), std::string::npos) << told;
  EXPECT_NE(told.find("end it, or choose another port"), std::string::npos) << told;
}

TEST_F(ServiceStop, AnAddressThatAnEndingProgramStillHasIsWaitedFor) {
  const auto service = make_service({taken_url()}, k_patience);
  std::optional<Result<void>> outcome;
  service->start(keep(outcome));
  ASSERT_TRUE(eventually(loop, [this] { return log.contains("another program listens on that port"); }));
  taken.close();
  ASSERT_TRUE(eventually(loop, [&outcome] { return outcome.has_value(); }));
  EXPECT_TRUE(*outcome) << outcome->error().what();
  service->close();
}

TEST_F(ServiceStop, DuringTheStartDrainsTheListenersThatServeAlready) {
  const auto service = make_service({"memory://stop-early", taken_url()});
  std::optional<Result<void>> outcome;
  service->start(keep(outcome));
  ASSERT_TRUE(eventually(loop, [this] { return log.contains("listening on") && log.contains("cannot listen"); }));
  Client client(loop.get_executor(), "memory://stop-early");
  ask(client);
  service->stop();
  run_ready(loop);
  EXPECT_FALSE(outcome) << "a handler still runs";
  gate.cancel();
  ASSERT_TRUE(eventually(loop, [&outcome] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->error().code(), errc::closed);
  EXPECT_TRUE(eventually(loop, [this] { return answers == 1; }));
  client.close();
}

TEST_F(ServiceStop, LeavesWhatAHostStartedToTheHost) {
  const auto service = make_service({"memory://stop-late"});
  run_until(loop, service->start());
  Client client(loop.get_executor(), "memory://stop-late");
  service->stop();
  run_ready(loop);
  ask(client);
  gate.cancel();
  EXPECT_TRUE(eventually(loop, [this] { return answers == 1; })) << "it is the host who drains it";
  client.close();
  service->close();
}

TEST_F(ServiceStop, ACallerThatDoesNotReadItsStreamHoldsNobodyUp) {
  const auto service = make_service({"tcp://127.0.0.1:0"});
  int yielded = 0;
  service->on_request("rows", [&yielded](int, Context& context) -> Stream<std::string> {
    Timer timer(context.executor());
    for (;;) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait();
      ++yielded;
      co_yield std::string(100'000, 'x');
    }
  });
  run_until(loop, service->start());
  asio::ip::tcp::socket deaf(loop);
  const Url url = Url::parse(service->addresses().front()).value();
  deaf.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), url.hosts.front().port));
  asio::write(deaf, asio::buffer(std::string(R"(38#{"pattern":"rows","data":0,"id":"one"})")));
  const auto is_stuck = [&yielded, before = 0, looks = 0]() mutable {
    looks = std::exchange(before, yielded) == yielded ? looks + 1 : 0;
    return yielded > 10 && looks > 40;
  };
  ASSERT_TRUE(eventually(loop, is_stuck));
  std::optional<DrainReport> report;
  service->drain(std::chrono::minutes(4), [&report](const Result<DrainReport>& outcome) { report = outcome.value(); });
  service->drain(std::chrono::seconds(20), [](const Result<DrainReport>&) {});
  ASSERT_TRUE(eventually(loop, [&report] { return report.has_value(); }));
  EXPECT_TRUE(log.contains("reads nothing")) << "it was the limit that ended it";
  EXPECT_EQ(report->ended, 1u);
  EXPECT_EQ(report->finished + report->abandoned, 0u);
}

TEST_F(ServiceStop, ASecondDrainWaitsBesideTheFirst) {
  const auto service = make_service({"memory://stop-twice"});
  run_until(loop, service->start());
  Client client(loop.get_executor(), "memory://stop-twice");
  ask(client);
  std::size_t finished = 0;
  for (const int seconds : {60, 40, 50}) {
    service->drain(std::chrono::seconds(seconds),
                   [&finished](const Result<DrainReport>& report) { finished += report.value().finished; });
  }
  run_ready(loop);  // does not return if they wake one another
  EXPECT_EQ(finished, 0u);
  gate.cancel();
  EXPECT_TRUE(eventually(loop, [&finished] { return finished == 3; }));
  EXPECT_TRUE(eventually(loop, [this] { return answers == 1; }));
  client.close();
}

TEST_F(ServiceStop, ASecondSignalDoesNoHarm) {
  Service service(Config::listen({"memory://stop-signal"}));
  service.log_to(log.sink());
  std::atomic<bool> is_held{false};
  std::promise<void> gate_opens;
  service.on_request("held", [&, opened = gate_opens.get_future()] {
    is_held = true;
    opened.wait();
    return 1;
  });
  std::future<int> status = std::async(std::launch::async, [&service] { return service.run(); });
  ASSERT_TRUE(eventually(loop, [this] { return log.contains("listening on"); }));
  Client client(loop.get_executor(), "memory://stop-signal");
  client.request<int>("held", 0, [this](const Result<int>& value) { answers += value ? 1 : 0; });
  ASSERT_TRUE(eventually(loop, [&is_held] { return is_held.load(); }));
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  gate_opens.set_value();
  EXPECT_EQ(status.get(), 0);
  EXPECT_TRUE(eventually(loop, [this] { return answers == 1; }));
  client.close();
}

}  // namespace
}  // namespace waybill::test
