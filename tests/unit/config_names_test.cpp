// Listeners have names: in files, URLs and variables; and clients of the program itself refer to them.
#include "config_rig.hpp"
#include "waybill/client.hpp"
#include "waybill/registry.hpp"
#include "waybill/service.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace waybill {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> names_of(const Config& config) {
  std::vector<std::string> names;
  for (const ListenerConfig& listener : config.listeners) names.push_back(listener.name);
  return names;
}

using Names = std::vector<std::string>;

TEST_F(ConfigFile, ListenersMayBeAMappingFromNames) {
  const ScopedVariable name("CONFIG_TEST_NAME", "public");
  const Config config = Config::parse(R"(listeners:
  inside: memory://orders
  ${CONFIG_TEST_NAME}: { url: tcp://h:1, max_in_flight: 7 }
  ${CONFIG_TEST_UNSET:-third}:
    url: tcp://h:2
clients:
  ${CONFIG_TEST_NAME}: tcp://h
)");
  EXPECT_EQ(names_of(config), (Names{"inside", "public", "third"}));
  EXPECT_EQ(config.listeners[1].max_in_flight, 7u);
  EXPECT_EQ(config.client("public").url.scheme, "tcp");
}

TEST_F(ConfigFile, ListenersInAListMayHaveNames) {
  const Config config = Config::parse(R"(listeners:
  - { url: memory://orders, name: inside }
  - memory://more
  - tcp://h:1?name=public
)");
  EXPECT_EQ(names_of(config), (Names{"inside", "", "public"}));
  EXPECT_TRUE(config.listeners[0].url.options.empty());
}

TEST_F(ConfigFile, MistakesInNamesAreToldWithTheirLine) {
  EXPECT_EQ(mistakes_in("listeners:\n  - { url: memory://a, name: x }\n  - { url: memory://b, name: x }"),
            "orders.yaml:3: a second listener is named \"x\"; the first is at orders.yaml:2");
  EXPECT_EQ(mistakes_in("listeners:\n  x: memory://a\n  x: memory://b"),
            "orders.yaml:3: the key \"x\" is in line 2 already");
  EXPECT_EQ(mistakes_in("listeners:\n  x: memory://a\n  ${CONFIG_TEST_UNSET:-x}: memory://b"),
            "orders.yaml:3: the key \"${CONFIG_TEST_UNSET:-x}\" is in line 2 already");
  EXPECT_EQ(mistakes_in("listeners:\n  x: memory://a?name=y"),
            "orders.yaml:2: listener \"x\": has another name in its options");
  EXPECT_EQ(mistakes_in("listeners: { url: memory://a }"),
            "orders.yaml:1: listeners: a single one needs a name, or a \"-\" in front of its url");
  EXPECT_EQ(mistakes_in("listeners: { x: [memory://a] }"),
            "orders.yaml:1: listener \"x\": expected a URL or a mapping with \"url\", found a list");
  EXPECT_EQ(mistakes_in("listeners: { '': memory://a }"),
            "orders.yaml:1: a listener that is no item of a list needs a name");
  EXPECT_EQ(mistakes_in("clients: { x: 'memory://a?name=y' }"),
            "orders.yaml:1: memory URL: option \"name\" is for listeners, not for clients");
}

TEST(Config, TwoListenersOfOneNameAreRefusedInProgramsToo) {
  const std::string text = mistakes_of([] { Config::listen({"memory://a?name=x", "memory://b?name=x"}); });
  EXPECT_EQ(text, "a second listener is named \"x\"");
  Config config = Config::listen({"memory://a?name=x", "memory://b?name=y"});
  config.listeners[1].name = "x";
  EXPECT_TRUE(contains(mistakes_of([&] { config.validate().value(); }), "a second listener is named \"x\""));
}

TEST_F(ConfigFile, VariablesOverrideOneNamedListener) {
  const ScopedVariable url("WAYBILL_LISTENERS_IN_SIDE_URL", "tcp://new:1?group=g");
  const ScopedVariable user("WAYBILL_LISTENERS_IN_SIDE_USERNAME", "app");
  const ScopedVariable secret("WAYBILL_LISTENERS_IN_SIDE_PASSWORD", "a/b@c");
  const ScopedVariable more("WAYBILL_LISTENERS_MORE_URL", "memory://more");
  const Config config = Config::parse(R"(listeners:
  public: tcp://h:1
  in-side: { url: tcp://h:2, max_in_flight: 7 }
)");
  ASSERT_EQ(names_of(config), (Names{"public", "in-side", "more"}));
  const ListenerConfig& inside = config.listeners[1];
  EXPECT_EQ(inside.url.hosts.front().name, "new");
  EXPECT_EQ(inside.max_in_flight, 7u);
  EXPECT_EQ(inside.group, "g");
  EXPECT_EQ(inside.url.user, "app");
  EXPECT_EQ(inside.url.password, "a/b@c");
  EXPECT_EQ(
      inside.origin,
      "WAYBILL_LISTENERS_IN_SIDE_URL with WAYBILL_LISTENERS_IN_SIDE_USERNAME and WAYBILL_LISTENERS_IN_SIDE_PASSWORD");
  EXPECT_EQ(config.listeners[0].url.user, "");
}

TEST_F(ConfigFile, WaybillListenReplacesNamedListenersToo) {
  const ScopedVariable listen("WAYBILL_LISTEN", "memory://a memory://b?name=inside");
  const ScopedVariable url("WAYBILL_LISTENERS_INSIDE_URL", "memory://c");
  const Config config = Config::parse("listeners: { inside: tcp://h:1, public: tcp://h:2 }");
  EXPECT_EQ(names_of(config), (Names{"", "inside"}));
  EXPECT_EQ(config.listeners[1].url.hosts.front().name, "c");
}

TEST(Config, SlipsInVariablesOfListenersAreMistakes) {
  const ScopedVariable uri("WAYBILL_LISTENERS_INSIDE_URI", "memory://a");
  const ScopedVariable user("WAYBILL_LISTENERS_OTHER_USERNAME", "app");
  const ScopedVariable url("WAYBILL_LISTENERS_INSIDE_URL", "memory://a?name=outside");
  const std::string text = mistakes_of([] { Config::from_env(); });
  EXPECT_TRUE(contains(text, "WAYBILL_LISTENERS_INSIDE_URI: expected WAYBILL_LISTENERS_<NAME>_URL")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_LISTENERS_OTHER_USERNAME: expected")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_LISTENERS_INSIDE_URL: its URL has another name")) << text;
}

TEST_F(ConfigFile, AClientMayBeAListenerOfItsOwnProgram) {
  const Config config = Config::parse(R"(listeners:
  inside: { url: "tcp://0.0.0.0:0?max_frame=1MiB", serializer: msgpack }
  six: tcp://[::]:4000
  many: tcp://localhost:0,0.0.0.0:5000
  broker: amqp://app:secret@rabbit/v?queue=orders
clients:
  a: self:inside?timeout=5s&max_buffer=2MiB
  b: { url: "self:six", serializer: json }
  c: self:broker
  d: self:many
  e: tcp://elsewhere:0
)");
  EXPECT_EQ(config.client("a").url.redacted(), "self:inside?max_buffer=2MiB");
  const std::vector<std::string> addresses{"tcp://0.0.0.0:41231", "tcp://[::]:4000", "tcp://127.0.0.1:6,0.0.0.0:5000",
                                           "amqp://rabbit"};
  const ClientConfig a = config.client("a", addresses);
  EXPECT_EQ(a.url.redacted(), "tcp://127.0.0.1:41231?max_buffer=2MiB");
  EXPECT_EQ(a.timeout, 5s);
  EXPECT_EQ(a.serializer, "msgpack");
  EXPECT_EQ(config.client("b", {}).url.redacted(), "tcp://[::1]:4000");
  EXPECT_EQ(config.client("b", {}).serializer, "json");
  EXPECT_EQ(config.client("c", {}).url.redacted(), "amqp://app:***@rabbit/v");
  EXPECT_EQ(config.client("c", {}).url.password, "secret");
  EXPECT_EQ(config.client("d", addresses).url.redacted(), "tcp://127.0.0.1:6,127.0.0.1:5000");
  EXPECT_EQ(config.client("e", {}).url.redacted(), "tcp://elsewhere:0");
  for (const std::vector<std::string>& early : {std::vector<std::string>{}, {"tcp://0.0.0.0:0"}}) {
    EXPECT_EQ(mistakes_of([&] { config.client("a", early); }),
              "client \"a\": the listener \"inside\" has no port yet: start the service first");
  }
  EXPECT_TRUE(contains(mistakes_of([&] { config.client("x", addresses); }), "no client \"x\" is configured"));
}

TEST_F(ConfigFile, AClientOfAnUnknownListenerIsAMistake) {
  EXPECT_EQ(mistakes_in("listeners: { inside: memory://a }\nclients: { a: self:insde, b: self:inside }"),
            "orders.yaml:2: client \"a\": no listener is named \"insde\"; did you mean \"inside\"?");
  EXPECT_EQ(mistakes_in("listeners: memory://a\nclients: { a: self:inside }"),
            "orders.yaml:2: client \"a\": no listener is named \"inside\"; none has a name");
  const std::string follow =
      mistakes_in("listeners:\n  - { url: 'tcp://h:x', name: inside }\nclients: { a: self:inside }");
  EXPECT_FALSE(contains(follow, "no listener")) << follow;
  EXPECT_TRUE(contains(mistakes_in("listeners: self:inside"), "self:NAME is for clients")) << "a listener";
  for (const char* url : {"self:", "self://inside", "self:inside:3000", "self:u@inside", "self:inside#x"}) {
    EXPECT_TRUE(contains(mistakes_of([&] { ClientConfig::from_url(url); }), "expected self:NAME")) << url;
  }
  Config config = Config::listen({"memory://a?name=inside"});
  config.clients["a"] = ClientConfig::from_url("self:other");
  EXPECT_TRUE(contains(mistakes_of([&] { Service service(config); }), "no listener is named \"other\""));
}

TEST_F(ConfigFile, WhatWaybillListenReplacesIsTold) {
  const std::string yaml = "listeners: { inside: memory://a }\n";
  EXPECT_EQ(Config::parse(yaml, "orders.yaml").notice, "");
  const ScopedVariable listen("WAYBILL_LISTEN", "memory://b");
  Config config = Config::parse(yaml, "orders.yaml");
  EXPECT_EQ(config.notice, "WAYBILL_LISTEN replaces the listeners of orders.yaml");
  EXPECT_EQ(Config::parse("threads: 1").notice, "") << "there were none";
  EXPECT_EQ(mistakes_in(yaml + "clients: { a: self:inside }"),
            "orders.yaml:2: client \"a\": no listener is named \"inside\"; none has a name "
            "(WAYBILL_LISTEN replaces the listeners of orders.yaml)");
  Service service(config);
  EXPECT_TRUE(contains(mistakes_of([&] { service.at("inside"); }), "WAYBILL_LISTEN replaces the listeners"));
}

TEST(Config, OptionsOfItsOwnClientsAreCheckedAtTheStart) {
  Config config = Config::listen({"memory://config-test?name=inside&wire=true"});
  config.clients["a"] = ClientConfig::from_url("self:inside?wyre=true");
  EXPECT_TRUE(contains(mistakes_of([&] { Service service(config); }), "unknown option \"wyre\"; did you mean"));
  config.clients["a"] = ClientConfig::from_url("self:inside");
  const Service service(config);
}

TEST(Config, AClientThatWasNotResolvedSaysWhatToCall) {
  asio::io_context loop;
  const std::string text =
      mistakes_of([&] { Client client(loop.get_executor(), ClientConfig::from_url("self:inside")); });
  EXPECT_TRUE(contains(text, "self:inside stands for a listener of this program: Config::client(")) << text;
}

}  // namespace
}  // namespace waybill
