// Configuration: files, .env and variables, what each overrides, and every mistake at once with file and line.
#include "waybill/config.hpp"

#include "config/config_options.hpp"
#include "config/config_tree.hpp"
#include "config/dotenv.hpp"
#include "config_rig.hpp"
#include "support/source_tree.hpp"
#include "tests/support/not_applicable.hpp"
#include "waybill/error.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace waybill {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_orders = R"(listeners:
  - url: ${ORDERS_LISTEN:-tcp://0.0.0.0:3000}
  - url: amqp://guest:guest@rabbit/?queue=orders&prefetch=64           # one service, several carriers
clients:
  orders: { url: "${ORDERS_URL:-tcp://127.0.0.1:3000}", timeout: 5s, serializer: json }
)";

TEST_F(ConfigFile, ReadsTheExample) {
  const Config config = Config::parse(k_orders, "orders.yaml");
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].url.redacted(), "tcp://0.0.0.0:3000");
  EXPECT_EQ(config.listeners[0].origin, "orders.yaml:2");
  EXPECT_EQ(config.listeners[1].url.scheme, "amqp");
  EXPECT_EQ(config.listeners[1].url.password, "guest");
  EXPECT_EQ(*config.listeners[1].url.option("prefetch"), "64");
  EXPECT_EQ(config.client("orders").timeout, 5s);
  EXPECT_EQ(config.client("orders").serializer, "json");
  EXPECT_EQ(config.client("orders").url.hosts.at(0).port, 3000);
  EXPECT_EQ(config.client("orders").origin, "orders.yaml:5");
}

TEST_F(ConfigFile, TakesEveryForm) {
  const Config config = Config::parse(R"(
listeners:
  - memory://orders
  - url: tcp://0.0.0.0:3000?max_in_flight=8
    serializer: msgpack
    group: workers
    instance: one
    startup: wait(2s)
    max_frame: 1MiB
    native: { linger.ms: 5 }
clients:
  plain: tcp://a
  tuned: { url: "tcp://b?timeout=1s", connect_timeout: 250ms, max_queued: 1MiB, max_unsent: 2MiB }
threads: 4
handler_threads: 2
drain_timeout: 3s
log: warning
)");
  ASSERT_EQ(config.listeners.size(), 2u);
  const ListenerConfig& listener = config.listeners[1];
  EXPECT_EQ(listener.serializer, "msgpack");
  EXPECT_EQ(listener.group, "workers");
  EXPECT_EQ(listener.instance, "one");
  EXPECT_EQ(listener.max_in_flight, 8u);
  EXPECT_EQ(listener.startup.mode, Startup::Mode::wait);
  EXPECT_EQ(listener.startup.limit, 2s);
  EXPECT_EQ(listener.url.options,
            (std::vector<std::pair<std::string, std::string>>{{"max_frame", "1MiB"}, {"native.linger.ms", "5"}}));
  EXPECT_EQ(config.client("plain").timeout, 30s);
  const ClientConfig& client = config.client("tuned");
  EXPECT_EQ(client.timeout, 1s);
  EXPECT_EQ(client.connect_timeout, 250ms);
  EXPECT_EQ(client.max_queued_bytes, 1u << 20);
  EXPECT_EQ(client.max_unsent_bytes, 2u << 20);
  EXPECT_TRUE(client.url.options.empty());
  EXPECT_EQ(config.threads, 4u);
  EXPECT_EQ(config.handler_threads, 2u);
  EXPECT_EQ(config.drain_timeout, 3s);
  EXPECT_EQ(config.log_level, "warning");
  EXPECT_EQ(Config::parse("listeners: memory://x").listeners.size(), 1u);
  EXPECT_TRUE(Config::parse("").listeners.empty());
  EXPECT_TRUE(Config::parse("listeners:\nclients:\n").listeners.empty());
}

TEST_F(ConfigFile, TellsEveryMistakeAtOnceWithItsLine) {
  const std::string text = mistakes_in(R"(listners:
  - tcp://a
threads: many
listeners:
  - url: tcp://host:99999
  - ulr: tcp://b
  - url: tcp://c
    max_in_flight: 0
    timeout: 1s
    startup: later
  - [1]
clients:
  a: { url: tcp://d, timeout: soon, group: g, timeout: 1s }
  b: { url: "tcp://e?queue=1", queue: 2, list: [1] }
log: loud
)");
  for (const char* expected :
       {"orders.yaml:1: unknown key \"listners\"; did you mean \"listeners\"?",
        "orders.yaml:3: threads: expected a whole number from 1 to 1024, found \"many\"",
        "orders.yaml:5: tcp://host:99999: a port must be",
        "orders.yaml:6: a listener: the key \"url\" is missing; is \"ulr\" meant to be it?",
        "orders.yaml:8: tcp URL: option \"max_in_flight\": expected a whole number from 1 to 1000000, found \"0\"",
        "orders.yaml:9: tcp URL: option \"timeout\" is for clients, not for listeners",
        "orders.yaml:10: tcp URL: option \"startup\": expected fail_fast, wait, wait(30s) or background",
        "orders.yaml:11: a listener: expected a URL or a mapping with \"url\", found a list",
        "orders.yaml:13: the key \"timeout\" is in line 13 already",
        "orders.yaml:13: tcp URL: option \"timeout\": expected a duration such as 5s, 250ms or 2m, found \"soon\"",
        "orders.yaml:13: tcp URL: option \"group\" is for listeners, not for clients",
        "orders.yaml:14: option \"queue\" is in the URL already",
        "orders.yaml:14: option \"list\": expected a single value, found a list",
        "orders.yaml:15: log: expected debug, info, warning, error or off, found \"loud\""}) {
    EXPECT_TRUE(contains(text, expected)) << expected << "\nis missing in\n" << text;
  }
}

TEST_F(ConfigFile, BrokenYamlHasALine) {
  EXPECT_TRUE(contains(mistakes_in("listeners:\n  - {url: a\nb: ]"), "orders.yaml:3: not valid YAML"))
      << mistakes_in("listeners:\n  - {url: a\nb: ]");
  EXPECT_TRUE(contains(mistakes_in("- a"), "expected a mapping"));
  EXPECT_TRUE(contains(mistakes_in(std::string(400, '[') + std::string(400, ']')), "16 levels"));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += std::string(i ? ",*" : "*") + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  EXPECT_TRUE(contains(mistakes_in(bomb), "more than 10000 values"));
}

TEST_F(ConfigFile, VariablesFillInValues) {
  const ScopedVariable host("CONFIG_TEST_HOST", "example.org");
  const ScopedVariable empty("CONFIG_TEST_EMPTY", "");
  const Config config = Config::parse(R"(
listeners:
  - tcp://${CONFIG_TEST_HOST}:${CONFIG_TEST_PORT:-3000}
  - memory://${CONFIG_TEST_EMPTY:-fallback}
  - url: memory://x
    label: $${literal}
)");
  EXPECT_EQ(config.listeners.at(0).url.redacted(), "tcp://example.org:3000");
  EXPECT_EQ(config.listeners.at(1).url.hosts.at(0).name, "fallback");
  EXPECT_EQ(*config.listeners.at(2).url.option("label"), "${literal}");
  EXPECT_TRUE(
      contains(mistakes_in("listeners:\n  - tcp://${CONFIG_TEST_HOTS}"),
               "orders.yaml:2: the environment variable CONFIG_TEST_HOTS is not set; did you mean CONFIG_TEST_HOST?"));
  EXPECT_TRUE(contains(mistakes_in("log: ${"), "'}' is missing"));
  EXPECT_TRUE(contains(mistakes_in("log: ${a b}"), "expected ${NAME}"));
}

TEST_F(ConfigFile, SecretsFromVariablesAreNotShown) {
  const ScopedVariable secret("CONFIG_TEST_SECRET", "hunter2");
  for (const char* yaml : {"listeners: amqp://u:${CONFIG_TEST_SECRET}@h:x", "drain_timeout: ${CONFIG_TEST_SECRET}",
                           "clients: { a: { url: 'amqp://h:x?password=${CONFIG_TEST_SECRET}' } }"}) {
    const std::string text = mistakes_in(yaml);
    EXPECT_NE(text, "none") << yaml;
    EXPECT_FALSE(contains(text, "hunter2")) << text;
  }
}

TEST_F(ConfigFile, LoadsAFileWithTheDotenvBesideIt) {
  const Folder folder;
  folder.write(".env", "# of the service\nexport CONFIG_TEST_PORT=4000 # comment\nWAYBILL_LOG='debug'\n");
  const std::string file = folder.write("orders.yaml", "listeners:\n  - tcp://h:${CONFIG_TEST_PORT}\nlog: error\n");
  const Config config = Config::load(file);
  EXPECT_EQ(config.listeners.at(0).url.hosts.at(0).port, 4000);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.listeners.at(0).origin, file + ":2");
  const ScopedVariable port("CONFIG_TEST_PORT", "5000");
  EXPECT_EQ(Config::load(file).listeners.at(0).url.hosts.at(0).port, 5000);
  EXPECT_TRUE(contains(mistakes_of([&] { Config::load((folder.path() / "none.yaml").string()); }), "cannot be read"));
  EXPECT_TRUE(contains(mistakes_of([&] { Config::load(folder.path().string()); }), "cannot be read"));
}

TEST_F(ConfigFile, VariablesOverrideTheFile) {
  const ScopedVariable listen("WAYBILL_LISTEN", "memory://a  tcp://b:1?group=g");
  const ScopedVariable url("WAYBILL_CLIENTS_ORDER_EVENTS_URL", "memory://c?serializer=msgpack");
  const ScopedVariable other("WAYBILL_CLIENTS_EXTRA_URL", "memory://d");
  const ScopedVariable threads("WAYBILL_THREADS", "3");
  const Config config = Config::parse("listeners: tcp://x\nclients: { order-events: { url: tcp://y, timeout: 2s } }");
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[1].group, "g");
  EXPECT_EQ(config.listeners[1].origin, "WAYBILL_LISTEN");
  EXPECT_EQ(config.client("order-events").url.scheme, "memory");
  EXPECT_EQ(config.client("order-events").timeout, 2s);
  EXPECT_EQ(config.client("order-events").serializer, "msgpack");
  EXPECT_EQ(config.client("extra").url.hosts.at(0).name, "d");
  EXPECT_EQ(config.threads, 3u);
}

TEST(Config, WithoutYamlTheErrorNamesTheOption) {
  if (yaml_is_built_in()) WAYBILL_NOT_APPLICABLE("built with WAYBILL_WITH_YAML");
  EXPECT_TRUE(contains(mistakes_in("listeners: tcp://a"), "WAYBILL_WITH_YAML"));
}

TEST(Config, ComesFromVariablesAlone) {
  const ScopedVariable listen("WAYBILL_LISTEN", "memory://a?instance=one");
  const ScopedVariable url("WAYBILL_CLIENTS_ORDERS_URL", "tcp://b?timeout=9s");
  const Config config = Config::from_env();
  EXPECT_EQ(config.listeners.at(0).instance, "one");
  EXPECT_TRUE(config.listeners.at(0).url.options.empty());
  EXPECT_EQ(config.client("orders").timeout, 9s);
}

TEST(Config, SlipsInVariablesAreMistakes) {
  const ScopedVariable listen("WAYBILL_LISTN", "memory://a");
  const ScopedVariable client("WAYBILL_CLIENTS_ORDERS_URI", "memory://a");
  const ScopedVariable singular("WAYBILL_CLIENT_SHOP_URL", "memory://a");
  const ScopedVariable listener("WAYBILL_LISTENER_INSIDE_URL", "memory://a");
  const ScopedVariable threads("WAYBILL_THREADS", "none");
  const ScopedVariable level("WAYBILL_LOG_LEVEL", "info");
  const ScopedVariable password("WAYBILL_LISTEN_PASSWORD", "secret");
  const ScopedVariable own("WAYBILL_TEST_REDIS", "redis://h");
  const ScopedVariable foreign("WAYBILL_SOMETHING_ELSE", "1");
  const std::string text = mistakes_of([] { Config::from_env(); });
  EXPECT_TRUE(
      contains(text, "WAYBILL_CLIENT_SHOP_URL: there is no such variable; did you mean WAYBILL_CLIENTS_SHOP_URL?"))
      << text;
  EXPECT_TRUE(contains(text, "did you mean WAYBILL_LISTENERS_INSIDE_URL?")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_LISTN: there is no such variable; did you mean WAYBILL_LISTEN?")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_CLIENTS_ORDERS_URI: expected WAYBILL_CLIENTS_<NAME>_URL")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_THREADS: expected a whole number")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_LOG_LEVEL: there is no such variable; did you mean WAYBILL_LOG?")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_LISTEN_PASSWORD: there is no listener of WAYBILL_LISTEN")) << text;
  EXPECT_FALSE(contains(text, "secret")) << text;
  EXPECT_FALSE(contains(text, "WAYBILL_TEST")) << text;
  EXPECT_FALSE(contains(text, "SOMETHING")) << text;
}

TEST(Config, ListensOnEachUrl) {
  const Config config = Config::listen({"tcp://a:1?startup=background", "memory://b?startup=fail_fast"});
  EXPECT_EQ(config.listeners.at(0).startup.mode, Startup::Mode::background);
  EXPECT_EQ(config.listeners.at(1).startup.mode, Startup::Mode::fail_fast);
  const std::string text = mistakes_of([] { Config::listen({"tcp://a:x", "nonsense", "tcp://c?max_in_flight=-1"}); });
  EXPECT_TRUE(contains(text, "a port must be")) << text;
  EXPECT_TRUE(contains(text, "expected scheme://host")) << text;
  EXPECT_TRUE(contains(text, "max_in_flight")) << text;
}

TEST(Config, AnUnknownClientNamesTheKnownOnes) {
  Config config;
  EXPECT_TRUE(contains(mistakes_of([&] { config.client("a"); }), "there are none"));
  config.clients["orders"] = ClientConfig::from_url("tcp://a");
  EXPECT_TRUE(contains(mistakes_of([&] { config.client("oders"); }), "did you mean \"orders\"?"));
  EXPECT_TRUE(contains(mistakes_of([&] { config.client("billing"); }), "known: orders"));
}

TEST(ClientConfig, ATimeToConnectOfZeroIsAMistake) {
  EXPECT_TRUE(contains(mistakes_of([] { ClientConfig::from_url("tcp://h?connect_timeout=0"); }), "connect_timeout"));
}

TEST(ClientConfig, ReadsItsOptionsOffTheUrl) {
  const ClientConfig client = ClientConfig::from_url("kafka://h?timeout=1s&groupId=g&connect_timeout=2s");
  EXPECT_EQ(client.timeout, 1s);
  EXPECT_EQ(client.connect_timeout, 2s);
  EXPECT_EQ(client.url.options, (std::vector<std::pair<std::string, std::string>>{{"groupId", "g"}}));
  EXPECT_TRUE(contains(mistakes_of([] { ClientConfig::from_url("tcp://h?timeout=0"); }), "more than 0"));
  EXPECT_TRUE(contains(mistakes_of([] { ClientConfig::from_url("tcp://h?timeout=1s&timeout=2s"); }), "there twice"));
}

TEST(ListenerConfig, LeavesToTheTransportWhatIsItsOwn) {
  const ListenerConfig listener = ListenerConfig::from_url("tcp://h?group=g&prefetch=8&queue=q&max_unsent=1MiB");
  EXPECT_EQ(listener.group, "g");
  EXPECT_EQ(listener.url.options, (std::vector<std::pair<std::string, std::string>>{
                                      {"prefetch", "8"}, {"queue", "q"}, {"max_unsent", "1MiB"}}));
  EXPECT_TRUE(contains(mistakes_of([] { ListenerConfig::from_url("tcp://h?timeout=1s"); }), "is for clients"));
}

TEST(Startup, HasFourSpellings) {
  EXPECT_EQ(detail::parse_startup("wait").value().limit, 30s);
  EXPECT_EQ(detail::parse_startup("wait(500ms)").value().limit, 500ms);
  EXPECT_EQ(detail::parse_startup("wait").value().taken_limit, 2s) << "of an address that another program has";
  EXPECT_EQ(detail::parse_startup("wait(1m)").value().taken_limit, 60s) << "somebody wants that";
  for (const char* text : {"", "wait(", "wait()", "wait(x)", "Wait", "never"})
    EXPECT_FALSE(detail::parse_startup(text)) << text;
}

/// docs/configuration.md has a row for every option and setting that core knows.
TEST(ConfigDocs, NameEveryOptionAndSetting) {
  const auto file = test::source_tree() / "docs/configuration.md";
  std::ifstream stream(file);
  const std::string page((std::istreambuf_iterator<char>(stream)), {});
  for (const auto& option : detail::core_options()) {
    EXPECT_TRUE(contains(page, "| `" + std::string(option.name) + "` |")) << option.name;
  }
  for (const auto& setting : detail::settings()) {
    EXPECT_TRUE(contains(page, "| `" + std::string(setting.key) + "` | `" + std::string(setting.variable) + "` |"))
        << setting.key;
  }
}

}  // namespace
}  // namespace waybill
