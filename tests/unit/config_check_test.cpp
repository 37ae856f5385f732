// Mistakes of a file as somebody sees who writes one: all at once, each with its line, and with what to do.
#include "config_rig.hpp"
#include "waybill/registry.hpp"

#include <memory>
#include <string>

namespace waybill {
namespace {

std::string checked(std::string_view yaml) {
  return mistakes_of([yaml] { Config::parse(yaml, "orders.yaml", {}, default_registry().get()); });
}

TEST_F(ConfigFile, MistakesOfUrlsAndOptionsDoNotHideOthers) {
  const std::string told = checked(R"(threads: many
listeners:
  - url: memory://a:x
    max_in_flight: 0
    startup: later
  - nowhere://b
  - memory://c?wyre=true
clients:
  a: { url: "memory://d", serializer: xml, timeout: soon }
  b: memory://e?wyre=true
)");
  for (const char* expected : {
           "orders.yaml:1: threads: expected",
           "orders.yaml:3: memory://a:***: a port must be",
           "orders.yaml:4: option \"max_in_flight\": expected a whole number from 1",
           "orders.yaml:5: option \"startup\": expected fail_fast",
           "orders.yaml:6: unknown URL scheme \"nowhere\"",
           "orders.yaml:7: memory URL: unknown option \"wyre\"; did you mean \"wire\"?",
           "orders.yaml:9: memory URL: option \"timeout\": expected a duration",
           "orders.yaml:9: unknown serializer \"xml\"",
           "orders.yaml:10: memory URL: unknown option \"wyre\"",
       }) {
    EXPECT_TRUE(contains(told, expected)) << expected << "\nis missing in\n" << told;
  }
}

TEST_F(ConfigFile, AnOptionBesideTheUrlIsToldWithItsOwnLine) {
  EXPECT_EQ(checked("clients:\n  a:\n    url: memory://a\n    timeout: 5s\n    wyre: true\n"),
            "orders.yaml:5: memory URL: unknown option \"wyre\"; did you mean \"wire\"?");
  const ScopedVariable url("WAYBILL_CLIENTS_A_URL", "memory://b?wyre=true");
  EXPECT_EQ(checked("clients:\n  a:\n    url: memory://a\n    wyre: true\n"),
            "WAYBILL_CLIENTS_A_URL: memory URL: unknown option \"wyre\"; did you mean \"wire\"?");
}

TEST_F(ConfigFile, OtherNamesOfAnOptionAreNotListed) {
  const Url url = Url::parse("x://a?qqqqqqqqqq=1&maxBuffer=2").value();
  OptionReader reader(url);
  reader.size("max_buffer|maxBuffer", 0);
  EXPECT_EQ(std::string(reader.finish().error().message()), "x URL: unknown option \"qqqqqqqqqq\"; known: max_buffer");
}

TEST_F(ConfigFile, AListenerThatIsItselfIsOneMistake) {
  EXPECT_EQ(checked("listeners: { a: self:b }"),
            "orders.yaml:1: self:NAME is for clients: it stands for a listener, which has a URL of its own");
}

TEST_F(ConfigFile, WhatATransportCannotDoIsAMistakeOfTheFile) {
  EXPECT_TRUE(contains(checked("listeners:\n  - tcp://127.0.0.1:0?dead_letter=x"),
                       "orders.yaml:2: tcp has no dead letters: remove dead_letter=x from the listener"));
  EXPECT_TRUE(contains(checked("listeners:\n  - tcp://127.0.0.1:0?group=x"), "orders.yaml:2: tcp has no groups"));
}

TEST_F(ConfigFile, OptionsOfTheOtherRoleAreNotOffered) {
  const std::string listener = checked("listeners: memory://a?qqqqqqqqqqqq=1");
  EXPECT_TRUE(contains(listener, "known: ")) << listener;
  EXPECT_TRUE(contains(listener, "dead_letter")) << listener;
  EXPECT_FALSE(contains(listener, "connect_timeout")) << "it is for clients: " << listener;
  const std::string client = checked("clients: { a: \"memory://a?qqqqqqqqqqqq=1\" }");
  EXPECT_TRUE(contains(client, "connect_timeout")) << client;
  EXPECT_FALSE(contains(client, "dead_letter")) << "it is for listeners: " << client;
  Url plain = Url::parse("http://a?qqqqqqqqqqqq=1").value();
  OptionReader reader(plain);
  reader.allow("backlog");
  const auto read = reader.finish();
  EXPECT_FALSE(contains(read.error().message(), "attempts")) << "core reads nothing there";
}

TEST_F(ConfigFile, BrokenYamlSaysWhatToDo) {
  const auto has = [](std::string_view yaml, std::string_view part) {
    const std::string told = mistakes_in(yaml);
    EXPECT_TRUE(contains(told, part)) << yaml << '\n' << told;
  };
  has("log: info\nclients:\n  a: tcp://h\n   b: tcp://i\n", "orders.yaml:4: not valid YAML: ");
  has("name: a: b\n", "orders.yaml:1: not valid YAML: a \":\" where no key can end");
  has("clients:\n\ta: tcp://h\n", "orders.yaml:2: not valid YAML: a tab indents this line");
  has("a: 'it's'\n", "orders.yaml:1: not valid YAML: this belongs to no key");
  has("listeners\n  - tcp://h\n", "orders.yaml:1: expected a mapping with listeners, clients and so on, found a text");
  has("name: @a\n", "orders.yaml:1: not valid YAML: a value cannot begin with this character: put it in quotes");
  has("clients: { a: tcp://h\n", "not valid YAML: a \"{\" has no \"}\"");
  has("listeners: [ tcp://h\n", "not valid YAML: a \"[\" has no \"]\"");
  has("a: [ { get: /a/{id}, b: c } ]\n", "between braces a text with braces needs quotes");
  has("name: *a\n", "needs an &NAME above it");
  has("name: \"a\\q\"\n", "a backslash begins an escape");
}

TEST_F(ConfigFile, AVariableThatIsNoPortIsNamedWithWhatItHolds) {
  const ScopedVariable port("CONFIG_TEST_PORT", "abc");
  const std::string told = mistakes_in("clients:\n  a: tcp://h:${CONFIG_TEST_PORT:-3000}");
  EXPECT_TRUE(contains(told, "orders.yaml:2: ")) << told;
  EXPECT_TRUE(contains(told, "a port must be a number up to 65535 (CONFIG_TEST_PORT is \"abc\")")) << told;
  EXPECT_TRUE(contains(mistakes_in("threads: ${CONFIG_TEST_PORT}"), "(CONFIG_TEST_PORT is \"abc\")"));
  const ScopedVariable other("CONFIG_TEST_OTHER", "abc");
  EXPECT_TRUE(contains(mistakes_in("threads: ${CONFIG_TEST_OTHER}"), "(CONFIG_TEST_OTHER is set)"))
      << "perhaps a secret";
  // It may be a secret there.
  for (const char* yaml :
       {"clients:\n  a: tcp://u:${CONFIG_TEST_PORT}@h:x", "clients:\n  a: tcp://h:x?password=${CONFIG_TEST_PORT}",
        "clients:\n  a: { url: \"tcp://u:p@h\", password: \"${CONFIG_TEST_PORT}\" }"}) {
    EXPECT_FALSE(contains(mistakes_in(yaml), "abc")) << mistakes_in(yaml);
  }
}

TEST_F(ConfigFile, AMistakeDoesNotShowWhatAVariableHolds) {
  const ScopedVariable secret("CONFIG_TEST_TRANSPORT", "hunter2");
  for (const char* yaml :
       {"clients:\n  a: ${CONFIG_TEST_TRANSPORT}", "clients:\n  a: { url: \"${CONFIG_TEST_TRANSPORT}\" }",
        "clients:\n  a: { url: \"memory://a\", timeout: \"${CONFIG_TEST_TRANSPORT}\" }",
        "clients:\n  a: \"tcp://h:1?timeout=${CONFIG_TEST_TRANSPORT}\"",
        "clients:\n  a: \"tcp://h:1?connect_timeout=${CONFIG_TEST_TRANSPORT}\"",
        "clients:\n  a: { url: \"tcp://h:1\", connect_timeout: \"${CONFIG_TEST_TRANSPORT}\" }",
        "listeners: [ \"tcp://h:1?max_frame=${CONFIG_TEST_TRANSPORT}\" ]", "threads: ${CONFIG_TEST_TRANSPORT}"}) {
    const std::string told = mistakes_in(yaml);
    EXPECT_FALSE(told.empty()) << yaml;
    EXPECT_FALSE(contains(told, "hunter2")) << told;
  }
}

TEST_F(ConfigFile, AMistakeOfAUrlWithVariablesHidesThePasswordThatTheFileHas) {
  const ScopedVariable host("CONFIG_TEST_HOST", "h");
  for (const char* yaml : {"clients:\n  a: \"tcp://u:hunter2@${CONFIG_TEST_HOST}:x\"",
                           "clients:\n  a: \"tcp://${CONFIG_TEST_HOST}:x?password=hunter2\""}) {
    const std::string told = mistakes_in(yaml);
    EXPECT_TRUE(contains(told, "${CONFIG_TEST_HOST}")) << told;
    EXPECT_FALSE(contains(told, "hunter2")) << told;
  }
}

TEST(Durations, AreShownWithAUnit) {
  for (const char* text : {"0s", "1ms", "1500ms", "5s", "90s", "2m", "3h", "25h", "1d"}) {
    EXPECT_EQ(duration_text(parse_duration(text).value()), text);
  }
  EXPECT_EQ(duration_text(parse_duration("30000").value()), "30s");
}

}  // namespace
}  // namespace waybill
