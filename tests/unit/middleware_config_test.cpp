// `middleware:` lists of a configuration: what they make, in which order, and every mistake in them.
#include "config_rig.hpp"
#include "middleware/configured.hpp"
#include "support/eventually.hpp"
#include "tests/support/source_tree.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>

namespace waybill {
namespace {

using std::chrono::milliseconds;

class MiddlewareConfigFile : public ConfigFile {
 protected:
  static std::string names(const std::vector<MiddlewareConfig>& list) {
    std::string text;
    for (const MiddlewareConfig& one : list) text += (text.empty() ? "" : " ") + one.name;
    return text;
  }
};

constexpr const char* k_all = R"(
middleware:
  - log
listeners:
  - url: memory://orders
    middleware:
      - timeout: 2s
      - retry: { attempts: 4, backoff: 10ms..2s }
clients:
  orders:
    url: memory://orders
    middleware:
      - log: debug
      - retry: { idempotent: true }
      - timeout: { limit: 250ms }
)";

TEST_F(MiddlewareConfigFile, IsReadInItsOrder) {
  const Config config = Config::parse(k_all, "orders.yaml");
  EXPECT_EQ(names(config.middleware), "log");
  EXPECT_EQ(names(config.listeners.at(0).middleware), "timeout retry");
  EXPECT_EQ(names(config.client("orders").middleware), "log retry timeout");
  EXPECT_EQ(config.client("orders").middleware.at(1).origin, "orders.yaml:14");
}

TEST_F(MiddlewareConfigFile, StandsAroundHandlersAndCallsAndIsDescribed) {
  asio::io_context loop;
  Config config = Config::parse(k_all);
  std::vector<std::string> order;
  const auto noting = [&order](std::string name) {
    return MiddlewareConfig{name,
                            [&order, name] {
                              return Middleware{name, [&order, name](Context&, Next next) {
                                                  order.push_back(name);
                                                  return next();
                                                }};
                            },
                            {}};
  };
  config.middleware.push_back(noting("all"));
  config.listeners[0].middleware.push_back(noting("listener"));
  config.clients.at("orders").middleware.push_back(noting("client"));
  Client client(loop.get_executor(), config.client("orders"));
  Service service(loop.get_executor(), config);
  service.use(noting("code").make());
  service.on_request("double", [](int value) { return 2 * value; });
  test::run_until(loop, service.start());
  const int twice = test::run_until(loop, client.request<int>("double", 21));
  EXPECT_EQ(twice, 42);
  EXPECT_EQ(order, (std::vector<std::string>{"client", "all", "listener", "code"}));
  EXPECT_TRUE(contains(service.describe().at(0), ", through log, all, timeout, retry, listener, code"))
      << service.describe().at(0);
  EXPECT_TRUE(contains(client.describe(), ", through log, retry, timeout, client")) << client.describe();
  client.close();
  service.close();
  test::run_ready(loop);
}

TEST_F(MiddlewareConfigFile, EveryMistakeIsToldWithItsLine) {
  EXPECT_EQ(
      mistakes_in(R"(listeners:
  - url: memory://orders
    middleware:
      - retyr
      - retry: { attempts: 0, backof: 1s }
      - timeout
      - timeout: { limit: soon }
      - log: loud
      - log: [debug]
clients:
  orders:
    url: memory://orders
    middleware: retry
  billing:
    url: memory://billing
    middlware: [log]
middleware:
  - retry:
    attempts: 3
  - { }
  - [log]
  - retry: { backoff: 2s..1s, idempotent: maybe }
)"),
      "orders.yaml:4: unknown middleware \"retyr\"; did you mean \"retry\"?\n"
      "orders.yaml:5: retry: option \"attempts\": expected a whole number from 1 to 1000000, found \"0\"\n"
      "orders.yaml:5: retry: unknown option \"backof\"; did you mean \"backoff\"?\n"
      "orders.yaml:6: timeout: needs a limit that is more than 0, as in timeout: 5s\n"
      "orders.yaml:7: timeout: option \"limit\": expected a duration such as 5s, 250ms or 2m, found \"soon\"\n"
      "orders.yaml:8: log: option \"level\": expected debug, info, warning or error, found \"loud\"\n"
      "orders.yaml:9: log: expected its options, found a list\n"
      "orders.yaml:13: middleware: expected a list (\"- retry: { attempts: 3 }\"), found a single value\n"
      "orders.yaml:16: option \"middlware\": expected a single value, found a list; did you mean \"middleware\"?\n"
      "orders.yaml:19: one item of the list is one middleware: its options are indented below its name, the next "
      "has a \"-\"\n"
      "orders.yaml:20: one item of the list is one middleware: its options are indented below its name, the next "
      "has a \"-\"\n"
      "orders.yaml:21: expected a middleware's name, or its name with options (\"retry: { attempts: 3 }\"), found "
      "a list\n"
      "orders.yaml:22: retry: option \"backoff\": expected two durations such as 100ms..10s, the second not less "
      "than the first, or one, found \"2s..1s\"\n"
      "orders.yaml:22: retry: option \"idempotent\": expected true or false, found \"maybe\"");
}

TEST_F(MiddlewareConfigFile, VariablesAreFilledInAndNotShown) {
  const ScopedVariable limit("TEST_LIMIT", "3s");
  const ScopedVariable wrong("TEST_WRONG", "verysecret");
  EXPECT_EQ(names(Config::parse("middleware: [ { timeout: \"${TEST_LIMIT}\" } ]").middleware), "timeout");
  const std::string told = mistakes_in("middleware: [ { timeout: \"${TEST_WRONG}\" } ]");
  EXPECT_FALSE(contains(told, "verysecret")) << told;
  EXPECT_TRUE(contains(told, "${TEST_WRONG}")) << told;
}

TEST_F(MiddlewareConfigFile, ListsCanBeShared) {
  const Config config = Config::parse(R"(
x-careful: &careful
  - timeout: 1s
  - retry
clients:
  a: { url: memory://a, middleware: *careful }
  b: { url: memory://b, middleware: *careful }
)");
  EXPECT_EQ(names(config.client("a").middleware), "timeout retry");
  EXPECT_EQ(names(config.client("b").middleware), "timeout retry");
}

Middleware for_handlers() {
  return {"for_handlers", [](Context&, Next next) { return next(); }, Context::Side::service};
}

TEST(MiddlewareSides, WhatMakesNoSenseThereIsRefused) {
  asio::io_context loop;
  Client client(loop.get_executor(), "memory://sides");
  EXPECT_EQ(mistakes_of([&] { client.use(for_handlers()); }),
            "for_handlers: is for listeners and their handlers, not for clients");
  Service service(loop.get_executor(), Config::listen({"memory://sides"}));
  service.use(for_handlers());
  ClientConfig config = ClientConfig::from_url("memory://sides");
  config.middleware.push_back({"for_handlers", for_handlers, "there:7"});
  config.middleware.push_back({"of_nothing", nullptr, {}});
  EXPECT_EQ(mistakes_of([&] { config.validate().value(); }), "middleware of_nothing: has nothing that makes it");
  config.middleware.pop_back();
  EXPECT_EQ(mistakes_of([&] { Client(loop.get_executor(), config); }),
            "there:7: for_handlers: is for listeners and their handlers, not for clients");
  client.close();
  test::run_ready(loop);
}

/// docs/middleware.md has a row for every option of every middleware that configuration knows.
TEST(MiddlewareDocs, NameEveryOption) {
  std::ifstream stream(test::source_tree() / "docs/middleware.md");
  const std::string page((std::istreambuf_iterator<char>(stream)), {});
  for (const auto& [name, options] : detail::known_middleware()) {
    EXPECT_TRUE(contains(page, "## " + name)) << name;
    const std::string section = page.substr(std::min(page.find("## " + name), page.size()));
    for (const std::string& option : options) {
      EXPECT_TRUE(contains(section.substr(0, section.find("\n## ")), "| `" + option + "` |")) << name << ": " << option;
    }
  }
}

}  // namespace
}  // namespace waybill
