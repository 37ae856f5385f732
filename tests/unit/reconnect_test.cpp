// The reconnect engine, and what a listener makes of a carrier that refuses it.
#include "reconnect.hpp"

#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace waybill::test {
namespace {

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
    co_return next_of(script);
  }
  void on_link_ready() override { ++ready; }
  void on_link_failed(const Error&, std::optional<std::chrono::milliseconds> retry_in) override {
    ++(retry_in ? failed : refused);
  }
  Script script;
  int attempts = 0;
  int ready = 0;
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
