// The reconnect engine, and what a listener makes of a carrier that refuses it.
#include "link/reconnect.hpp"

#include "link/link_log.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/manual_clock.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using waybill::detail::LinkLife;
using waybill::detail::LinkLog;

/// Every order of one success (R) and up to two losses (L), told to a link that is being opened.
TEST(LinkLife, ALossWinsOverReadinessInEveryOrder) {
  for (std::string events : {"R", "LR", "LLR"}) {
    std::sort(events.begin(), events.end());
    do {
      ManualClock clock;
      LinkLife life;
      life.begin();
      int told_ready = 0;
      int told_lost = 0;
      for (const char event : events) {
        if (event == 'R') told_ready += life.opened(clock.now());
        if (event == 'L') told_lost += life.lost(clock.now());
        EXPECT_LE(told_lost, told_ready) << events << ": a loss of what never was open";
        EXPECT_EQ(life.state() == LinkLife::State::open, told_ready > told_lost) << events;
      }
      const bool loses = events.find('L') != std::string::npos;
      EXPECT_EQ(life.state() == LinkLife::State::open, !loses) << events;
      life.begin();
      EXPECT_TRUE(life.opened(clock.now())) << events << ": the next attempt starts anew";
    } while (std::next_permutation(events.begin(), events.end()));
  }
}

/// The longest pause that the life may ask for now.
milliseconds longest_pause(LinkLife& life) {
  milliseconds longest{0};
  for (std::uint64_t random = 0; random < 2'000; ++random) {
    LinkLife copy = life;
    longest = std::max(longest, copy.pause(random));
  }
  life.pause(0);
  return longest;
}

TEST(LinkLife, ALinkThatDiesAtOnceIsOpenedMoreAndMoreSlowly) {
  ManualClock clock;
  LinkLife life;
  std::vector<milliseconds> pauses;
  for (int i = 0; i < 8; ++i) {
    life.begin();
    ASSERT_TRUE(life.opened(clock.now()));
    clock.advance(milliseconds(200));
    ASSERT_TRUE(life.lost(clock.now()));
    pauses.push_back(longest_pause(life));
  }
  EXPECT_EQ(pauses.front(), milliseconds(100));
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
  EXPECT_EQ(pauses.back(), milliseconds(1'500));
}

TEST(LinkLife, ALinkThatHasLivedForAWhileIsOpenedAgainAtOnce) {
  ManualClock clock;
  LinkLife life;
  for (int i = 0; i < 8; ++i) life.pause(0);
  life.begin();
  life.opened(clock.now());
  clock.advance(LinkLife::k_settled);
  life.lost(clock.now());
  EXPECT_EQ(longest_pause(life), milliseconds(100));
}

TEST(LinkLog, AHealthyLinkTellsEveryChange) {
  ManualClock clock;
  LinkLog log;
  EXPECT_EQ(log.ready(clock.now()), LogLevel::info);
  for (int i = 0; i < 3; ++i) {
    clock.advance(seconds(30));
    EXPECT_EQ(log.lost(clock.now()), LogLevel::warning);
    EXPECT_EQ(log.failed("refused", clock.now()), LogLevel::warning);
    EXPECT_EQ(log.failed("refused", clock.now()), LogLevel::debug);
    EXPECT_EQ(log.failed("another reason", clock.now()), LogLevel::warning);
    EXPECT_EQ(log.ready(clock.now()), LogLevel::info);
  }
}

TEST(LinkLog, AFlappingLinkTellsOncePerMinute) {
  ManualClock clock;
  LinkLog log;
  log.ready(clock.now());
  int told = 0;
  for (int i = 0; i < 120; ++i) {
    clock.advance(milliseconds(500));
    told += log.lost(clock.now()) == LogLevel::warning;
    clock.advance(milliseconds(500));
    told += log.ready(clock.now()) == LogLevel::info;
  }
  EXPECT_EQ(told, 4) << "lost and listening, now and a minute later";
}

/// What the next attempts to open end with; success for what is empty, and when there is nothing more.
using Script = std::deque<std::optional<errc>>;

Result<void> next_of(Script& script) {
  if (script.empty()) return {};
  const std::optional<errc> code = script.front();
  script.pop_front();
  if (!code) return {};
  return Error(*code, "as scripted", End::rejected);
}

class ScriptedHost final : public waybill::detail::Reconnect::Host {
 public:
  asio::awaitable<Result<void>> open_link() override {
    ++attempts;
    if (throws > 0) {
      --throws;
      throw std::runtime_error("no memory, say");
    }
    if (during_open) during_open();
    co_return next_of(script);
  }
  void on_link_ready() override { ++ready; }
  void on_link_lost(const Error&) override { ++lost; }
  void on_link_failed(const Error&, std::optional<std::chrono::milliseconds> retry_in) override {
    ++(retry_in ? failed : refused);
  }
  Script script;
  std::function<void()> during_open;
  int throws = 0;
  int attempts = 0;
  int ready = 0;
  int lost = 0;
  int failed = 0;
  int refused = 0;
};

TEST(Reconnect, StopsWhenItIsRefusedAndMayBeStartedAgain) {
  asio::io_context loop(1);
  const auto host = std::make_shared<ScriptedHost>();
  const auto reconnect = std::make_shared<waybill::detail::Reconnect>(loop.get_executor(), host);
  host->script = {errc::refused, errc::unauthorized};
  reconnect->start_in_background();
  ASSERT_TRUE(eventually(loop, [&] { return host->refused == 1; }));
  EXPECT_EQ(host->attempts, 2) << "a broker that is not there is asked again, one that refuses is not";
  EXPECT_EQ(host->failed, 1);
  EXPECT_FALSE(reconnect->is_running());

  reconnect->start_in_background(std::chrono::milliseconds(20));
  EXPECT_TRUE(reconnect->is_running());
  run_ready(loop);
  EXPECT_EQ(host->attempts, 2) << "not before the pause is over";
  ASSERT_TRUE(eventually(loop, [&] { return host->ready == 1; }));
  reconnect->stop();
}

TEST(Reconnect, AnExceptionWhileOpeningIsAFailureThatIsTriedAgain) {
  asio::io_context loop(1);
  const auto host = std::make_shared<ScriptedHost>();
  const auto reconnect = std::make_shared<waybill::detail::Reconnect>(loop.get_executor(), host);
  host->throws = 1;
  reconnect->start_in_background();
  ASSERT_TRUE(eventually(loop, [&] { return host->ready == 1; }));
  EXPECT_EQ(host->failed, 1);
  EXPECT_EQ(host->attempts, 2);
  EXPECT_TRUE(reconnect->is_running());
  reconnect->stop();
}

TEST(Reconnect, ALinkThatIsLostWhileItOpensIsNeverReady) {
  asio::io_context loop(1);
  const auto host = std::make_shared<ScriptedHost>();
  const auto reconnect = std::make_shared<waybill::detail::Reconnect>(loop.get_executor(), host);
  host->during_open = [&] {
    if (host->attempts == 1) reconnect->lost(Error(errc::connection_lost, "reset"));
  };
  reconnect->start_in_background();
  ASSERT_TRUE(eventually(loop, [&] { return host->ready == 1; }));
  EXPECT_EQ(host->attempts, 2) << "opened again at once, not after the carrier's own deadline";
  EXPECT_EQ(host->failed, 1);
  EXPECT_EQ(host->lost, 0) << "it never was open";
  reconnect->lost(Error(errc::connection_lost, "reset"));
  reconnect->lost(Error(errc::connection_lost, "told twice"));
  EXPECT_EQ(host->lost, 1);
  ASSERT_TRUE(eventually(loop, [&] { return host->ready == 2; }));
  reconnect->stop();
}

TEST(Reconnect, WhoWaitsForAMinuteCanBeHurried) {
  asio::io_context loop(1);
  const auto host = std::make_shared<ScriptedHost>();
  const auto reconnect = std::make_shared<waybill::detail::Reconnect>(loop.get_executor(), host);
  reconnect->start_in_background(std::chrono::hours(1));
  run_ready(loop);
  EXPECT_EQ(host->attempts, 0);
  reconnect->start_in_background();
  ASSERT_TRUE(eventually(loop, [&] { return host->ready == 1; }));
  reconnect->stop();
}

/// A carrier that throws its service out again as long as there is more in the script.
class FickleListener final : public Listener {
 public:
  FickleListener(Environment environment, std::shared_ptr<Script> script)
      : executor_(environment.executor), script_(std::move(script)) {}
  asio::awaitable<Result<void>> open(const Routes&, ListenerSink& sink) override {
    Result<void> opened = next_of(*script_);
    if (opened && !script_->empty()) {
      asio::post(executor_, [&sink] { sink.on_lost(Error(errc::connection_lost, "thrown out")); });
    }
    co_return opened;
  }
  void stop_intake() override {}
  void pause() override {}
  void resume() override {}
  asio::awaitable<void> flush() override { co_return; }
  void close() override {}
  std::string address() const override { return "fickle://here"; }

 private:
  asio::any_io_executor executor_;
  std::shared_ptr<Script> script_;
};

class FickleTransport final : public Transport {
 public:
  explicit FickleTransport(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  const Capabilities& capabilities() const noexcept override { return k_capabilities; }
  std::unique_ptr<Listener> make_listener(Environment environment) override {
    return std::make_unique<FickleListener>(std::move(environment), script_);
  }
  std::unique_ptr<Connection> make_connection(Environment) override { return nullptr; }

 private:
  static constexpr Capabilities k_capabilities{.transport = "fickle", .event_promise = "at most once"};
  std::shared_ptr<Script> script_;
};

class RefusedService : public testing::Test {
 protected:
  RefusedService() {
    auto own = std::make_shared<Registry>();
    own->add_serializer(json::make_json_serializer());
    own->add_transport("fickle", [script = script](const Url&, const Registry&) -> Result<std::unique_ptr<Transport>> {
      return std::unique_ptr<Transport>(std::make_unique<FickleTransport>(script));
    });
    service.emplace(loop.get_executor(), Config::listen({"fickle://here"}), own);
    service->log_to(log.sink());
    service->on_request("ask", [](int number) { return number; });
    service->start([this](Result<void> outcome) { started.emplace(std::move(outcome)); });
  }
  void end() {
    service->close();
    run_ready(loop);
  }
  asio::io_context loop{1};
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::optional<Service> service;
  std::optional<Result<void>> started;
  LogCapture log;
};

TEST_F(RefusedService, AtItsStartEndsAtOnce) {
  *script = {errc::unauthorized};
  ASSERT_TRUE(eventually(loop, [this] { return started.has_value(); }));
  EXPECT_EQ(started->error().code(), errc::unauthorized);
  EXPECT_FALSE(log.contains("asked again"));
  end();
}

TEST_F(RefusedService, AfterItHasServedSaysSoAndAsksAgain) {
  *script = {std::nullopt, errc::unauthorized};
  ASSERT_TRUE(eventually(loop, [this] { return log.contains("cannot listen on fickle://here: "); }));
  EXPECT_TRUE(*started) << "it has served";
  EXPECT_TRUE(log.contains("as scripted (asked again in a minute)"));
  end();
}

}  // namespace
}  // namespace waybill::test
