// What comes together in a configuration: defaults within defaults, merged mappings, users and passwords of their own,
// clients that are not used yet.
#include "config_rig.hpp"
#include "waybill/registry.hpp"
#include "waybill/service.hpp"

#include <chrono>

namespace waybill {
namespace {

using namespace std::chrono_literals;

TEST_F(ConfigFile, DefaultsMayHoldFurtherVariables) {
  const ScopedVariable second("CONFIG_TEST_SECOND", "pass");
  const Config config = Config::parse(R"(clients:
  a: "amqp://u:${CONFIG_TEST_FIRST:-${CONFIG_TEST_SECOND}}@h"
  b: "amqp://u:${CONFIG_TEST_FIRST:-x${CONFIG_TEST_THIRD:-y}z}@h"
  c: "amqp://u:${CONFIG_TEST_SECOND:-${CONFIG_TEST_UNSET}}@h/v"
)");
  EXPECT_EQ(config.client("a").url.password, "pass");
  EXPECT_EQ(config.client("b").url.password, "xyz");
  EXPECT_EQ(config.client("c").url.password, "pass");
  EXPECT_EQ(config.client("c").url.path, "v");
  EXPECT_TRUE(contains(mistakes_in("log: ${A_B_C:-${D_E_F}"), "orders.yaml:1: a '}' is missing behind ${"));
  EXPECT_TRUE(contains(mistakes_in("log: ${A_B_C:-${CONFIG_TEST_UNSET}}"), "CONFIG_TEST_UNSET is not set"));
  std::string deep = "x";
  for (int i = 0; i < 20'000; ++i) deep = "${A_B_C:-" + deep + "}";
  EXPECT_TRUE(contains(mistakes_in("log: '" + deep + "'"), "more than 16 defaults"));
}

TEST_F(ConfigFile, ASecondDocumentIsAMistake) {
  EXPECT_EQ(mistakes_in("---\nlog: debug\n---\nlisteners: tcp://h\n"),
            "orders.yaml:4: a second document (behind ---): put all of it into one");
  EXPECT_EQ(Config::parse("---\nlog: debug\n---\n").log_level, "debug");
}

TEST_F(ConfigFile, AnchorsHaveAPlaceAndAreMerged) {
  const Config config = Config::parse(R"(x-common: &common
  url: tcp://common
  timeout: 5s
x-more: &more { timeout: 7s, serializer: msgpack }
clients:
  a: { <<: *common, timeout: 6s }
  b: { <<: [*common, *more], url: tcp://b }
)");
  EXPECT_EQ(config.client("a").url.hosts.front().name, "common");
  EXPECT_EQ(config.client("a").timeout, 6s);
  EXPECT_EQ(config.client("b").url.hosts.front().name, "b");
  EXPECT_EQ(config.client("b").timeout, 5s);
  EXPECT_EQ(config.client("b").serializer, "msgpack");
  EXPECT_EQ(mistakes_in("clients: { a: { <<: 5, url: tcp://h } }"),
            "orders.yaml:1: << merges mappings, or a list of them");
}

TEST_F(ConfigFile, AnOptionOfCoreThatIsInTheUrlAlreadyIsAMistake) {
  EXPECT_EQ(mistakes_in("listeners:\n  - { url: 'tcp://h?name=a&max_in_flight=1', name: b, max_in_flight: 2 }"),
            "orders.yaml:2: option \"name\" is in the URL already\n"
            "orders.yaml:2: option \"max_in_flight\" is in the URL already");
  EXPECT_EQ(mistakes_in("clients: { a: { url: 'tcp://h?timeout=5s', timeout: 1s } }"),
            "orders.yaml:1: option \"timeout\" is in the URL already");
}

TEST_F(ConfigFile, UserAndPasswordStandBesideTheUrlAsTheyAre) {
  const ScopedVariable secret("CONFIG_TEST_SECRET", "a/b?c#d%e@f:g");
  const Config config = Config::parse(R"(listeners:
  - { url: amqp://h, username: app, password: "${CONFIG_TEST_SECRET}" }
)");
  EXPECT_EQ(config.listeners.front().url.user, "app");
  EXPECT_EQ(config.listeners.front().url.password, "a/b?c#d%e@f:g");
  const std::string twice =
      mistakes_in("clients: { a: { url: 'amqp://u:hunter2@h', password: hunter3, username: [x] } }");
  EXPECT_TRUE(contains(twice, "the password is in the URL already")) << twice;
  EXPECT_TRUE(contains(twice, "\"username\": expected a single value, found a list")) << twice;
  EXPECT_FALSE(contains(twice, "hunter")) << twice;
}

TEST(Config, UserAndPasswordComeFromVariablesAsTheyAre) {
  const ScopedVariable listen("WAYBILL_LISTEN", "amqp://a amqp://b");
  const ScopedVariable user("WAYBILL_LISTEN_USERNAME", "app");
  const ScopedVariable url("WAYBILL_CLIENTS_ORDERS_URL", "amqp://orders");
  const ScopedVariable secret("WAYBILL_CLIENTS_ORDERS_PASSWORD", "a/b?c#d%e@f");
  const Config config = Config::from_env();
  EXPECT_EQ(config.listeners[1].url.user, "app");
  EXPECT_EQ(config.client("orders").url.password, "a/b?c#d%e@f");
  const ScopedVariable other("WAYBILL_CLIENTS_ORDRES_PASSWORD", "hunter2");
  const ScopedVariable both("WAYBILL_LISTEN", "amqp://u:hunter2@a");
  const std::string text = mistakes_of([] { Config::from_env(); });
  EXPECT_TRUE(contains(text, "WAYBILL_LISTEN_USERNAME: the URL has one already")) << text;
  EXPECT_TRUE(contains(text, "WAYBILL_CLIENTS_ORDRES_PASSWORD: expected")) << text;
  EXPECT_FALSE(contains(text, "hunter2")) << text;
}

TEST_F(ConfigFile, WhatAPasswordOutOfAVariableSpoilsIsNotBlamedOnTheFileAlone) {
  const ScopedVariable secret("WAYBILL_CLIENTS_A_PASSWORD", "hunter2");
  Config config = Config::parse("clients: { a: memory://config-test }", "orders.yaml");
  EXPECT_EQ(config.client("a").origin, "orders.yaml:1 with WAYBILL_CLIENTS_A_PASSWORD");
}

TEST(Config, ClientsThatAreNotUsedYetAreCheckedAtTheStart) {
  Config config = Config::listen({"memory://config-test?max_buffr=1"});
  config.clients["a"] = ClientConfig::from_url("memory://config-test?serialiser=x");
  config.clients["b"] = ClientConfig::from_url("tpc://h");
  config.clients["c"] = ClientConfig::from_url("memory://config-test?serializer=yson");
  config.clients["c"].origin = "orders.yaml:7";
  const std::string text = mistakes_of([&config] { Service service(config); });
  for (const char* part :
       {"max_buffr", "serialiser", "unknown URL scheme \"tpc\"", "orders.yaml:7: unknown serializer"}) {
    EXPECT_TRUE(contains(text, part)) << part << " in " << text;
  }
}

}  // namespace
}  // namespace waybill
