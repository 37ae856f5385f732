// Handlers for all listeners of a service, for one and for some; and clients of the program that serves them.
#include "service_rig.hpp"
#include "waybill/error.hpp"

#include <utility>

namespace waybill::test {
namespace {

using Urls = std::pair<std::string, std::string>;

std::string mistake_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == errc::invalid_config);
    return std::string(error.message());
  }
  return "none";
}

/// A service with the listeners "inside" and "public", and a client of each.
class NamedListeners : public testing::TestWithParam<Urls> {
 protected:
  NamedListeners() {
    Config config = Config::listen({GetParam().first, GetParam().second});
    config.listeners[0].name = "inside";
    config.listeners[1].name = "public";
    config.clients["a"] = ClientConfig::from_url("self:inside?timeout=60s");
    config.clients["b"] = ClientConfig::from_url("self:public?timeout=60s");
    config_ = config;
    service = std::make_unique<Service>(loop.get_executor(), std::move(config));
    service->log_to(log.sink());
  }
  ~NamedListeners() override {
    for (const auto& client : {inside.get(), outside.get()}) {
      if (client) client->close();
    }
    service->close();
    run_ready(loop);
  }
  void start() {
    run_until(loop, service->start());
    inside = std::make_unique<Client>(loop.get_executor(), config_.client("a", service->addresses()));
    outside = std::make_unique<Client>(loop.get_executor(), config_.client("b", service->addresses()));
  }
  std::string ask(Client& client, const std::string& pattern) {
    try {
      return run_until(loop, client.request<std::string>(pattern, 1));
    } catch (const Error& error) {
      return std::string(error.message());
    }
  }
  static std::function<std::string(int)> says(std::string text) {
    return [text = std::move(text)](int) { return text; };
  }

  LogCapture log;
  asio::io_context loop{1};
  std::unique_ptr<Service> service;
  std::unique_ptr<Client> inside, outside;

 private:
  Config config_;
};

TEST_P(NamedListeners, HaveHandlersOfTheirOwnAndThoseOfAll) {
  service->on_request("all", says("all"));
  service->at("inside").on_request("own", says("inside")).on_request("secret", says("secret"));
  service->at("public").on_request("own", says("public"));
  start();
  EXPECT_EQ(ask(*inside, "all"), "all");
  EXPECT_EQ(ask(*outside, "all"), "all");
  EXPECT_EQ(ask(*inside, "own"), "inside");
  EXPECT_EQ(ask(*outside, "own"), "public");
  EXPECT_EQ(ask(*inside, "secret"), "secret");
  EXPECT_NE(ask(*outside, "secret"), "secret");
  const bool is_delivered = GetParam().second.starts_with("tcp");  // in memory it is known that nobody takes it
  EXPECT_EQ(service->stats().unhandled, is_delivered ? 1u : 0u);
}

TEST_P(NamedListeners, TakeEventsOfTheirOwn) {
  int at_all = 0, at_both = 0, at_one = 0;
  service->on_event("order", [&](int) { ++at_all; });
  service->at({"inside", "public"}).on_event("order", [&](int) { ++at_both; });
  service->at({"public"}).on_event("order", [&](int) { ++at_one; });
  start();
  run_until(loop, inside->emit("order", 1));
  ASSERT_TRUE(eventually(loop, [&] { return at_both == 1; }));
  EXPECT_EQ(at_one, 0);
  run_until(loop, outside->emit("order", 1));
  ASSERT_TRUE(eventually(loop, [&] { return at_one == 1; }));
  EXPECT_EQ(at_both, 2);
  EXPECT_EQ(at_all, 2);
}

TEST_P(NamedListeners, ThatHaveNoHandlerAreUpAndSaidToBeIdle) {
  service->at("inside").on_request("own", says("inside"));
  start();
  EXPECT_EQ(ask(*inside, "own"), "inside");
  EXPECT_NE(ask(*outside, "own"), "inside");
  EXPECT_TRUE(log.contains("no handler is for the listener \"public\""));
  EXPECT_FALSE(log.contains("no handler is for the listener \"inside\""));
}

TEST_P(NamedListeners, RefuseASecondRequestHandlerAndThenTakeNoneOfIt) {
  service->at("inside").on_request("own", says("inside"));
  const std::string already = "the pattern own has a request handler already";
  EXPECT_EQ(mistake_of([&] { service->at("inside").on_request("own", says("x")); }), already);
  EXPECT_EQ(mistake_of([&] { service->at({"public", "inside"}).on_request("own", says("x")); }), already);
  EXPECT_EQ(mistake_of([&] { service->on_request("own", says("x")); }), already);
  service->at(std::vector<std::string>{"public", "public"}).on_request("own", says("public"));
  start();
  EXPECT_EQ(ask(*outside, "own"), "public");
  EXPECT_EQ(mistake_of([&] { service->at("inside").on_request("late", says("x")); }),
            "handlers must come before the service is started");
}

TEST_P(NamedListeners, OfOtherNamesAreAMistake) {
  EXPECT_EQ(mistake_of([&] { service->at("insde"); }), "no listener is named \"insde\"; did you mean \"inside\"?");
  EXPECT_EQ(mistake_of([&] { service->at({"inside", "x"}); }), "no listener is named \"x\"; known: inside, public");
  EXPECT_EQ(mistake_of([&] { service->at(""); }), "no listener is named \"\"; known: inside, public");
  EXPECT_EQ(mistake_of([&] { service->at(std::vector<std::string>{}); }), "at() needs the name of a listener");
}

TEST_P(NamedListeners, AreDescribedByTheirNames) {
  start();
  EXPECT_TRUE(service->describe().at(0).starts_with("inside at ")) << service->describe().at(0);
}

TEST(ServiceHandlers, ThatAreThereTwiceAreRefusedWithoutAnyListener) {
  asio::io_context loop{1};
  Service service(loop.get_executor(), Config());
  service.on_request("own", [](int value) { return value; });
  EXPECT_EQ(mistake_of([&] { service.on_request("own", [](int value) { return value; }); }),
            "the pattern own has a request handler already");
  EXPECT_EQ(mistake_of([&] { service.at("inside"); }), "no listener is named \"inside\"; none has a name");
}

INSTANTIATE_TEST_SUITE_P(Carriers, NamedListeners,
                         testing::Values(Urls("memory://inside", "memory://public"),
                                         Urls("tcp://0.0.0.0:0", "tcp://127.0.0.1:0"),
                                         Urls("memory://inside", "tcp://localhost:0")),
                         [](const auto& carriers) {
                           const auto scheme = [](const std::string& url) { return url.substr(0, url.find(':')); };
                           return scheme(carriers.param.first) + "_" + scheme(carriers.param.second);
                         });

}  // namespace
}  // namespace waybill::test
