// Mistakes of an application's configuration that are told before it is started.
#include "waybill/application.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {
namespace {

std::string mistake_of(const std::string& yaml) {
  asio::io_context loop(1);
  try {
    const Application app(loop.get_executor(), ApplicationConfig::parse(yaml));
  } catch (const Error& error) {
    return std::string(error.message());
  }
  return {};
}

TEST(ApplicationMistakes, AreFoundBeforeTheStartAlsoWithoutListeners) {
  const auto has = [](const std::string& yaml, std::string_view part) {
    const std::string mistake = mistake_of(yaml);
    EXPECT_NE(mistake.find(part), std::string::npos) << yaml << "\n" << mistake;
  };
  has("clients: { shop: \"tcp://127.0.0.1:1?timout=5s\" }\nhttp: 127.0.0.1:0", "did you mean \"timeout\"");
  has("clients: { shop: \"tpc://127.0.0.1:1\" }\nhttp: 127.0.0.1:0", "tpc");
  has("http: https://127.0.0.1:0", "set cert and key");
  has("http: { listen: \"https://127.0.0.1:0\", cert: a.pem }", "set cert and key");
  EXPECT_EQ(mistake_of("http: { listen: \"https://127.0.0.1:0\", cert: a.pem, key: a.key }"), "");
  has("http: 8800", "is a port without a host");
  has("clients: { shop: memory://s }\nhealth: { required: shp }",
      "no client \"shp\" is configured; did you mean \"shop\"?");
  const std::string route = "clients: { s: memory://s }\nhttp:\n  listen: 127.0.0.1:0\n  routes:\n    - ";
  has(route + "{ get: /livez, request: { client: s, pattern: p } }", "served: false");
  has(route + "{ get: /a, request: { client: s, pattern: p, body: $query.id or 7 as number } }", "expected $path.NAME");
  has(route + "{ get: /a, request: { client: s, pattern: p, body: $query.id as number or abc } }", "is no number");
  has(route + "{ post: /a, request: { client: s, pattern: p, body: $body.id as number } }", "types of its own");
  has(route + "{ get: \"/a/{b}\", request: { client: s, pattern: p, body: $path.b as texts } }", "are for the query");
  has(route + "{ get: /a, request: { client: s, pattern: p, body: $query.b as list } }", "`as texts`");
  has(route + "{ get: /a, request: { client: s, pattern: p, timeout: 5s } }", "stands beside \"request\", not in it");
}

TEST(ApplicationMistakes, OfHttpAreToldAllAtOnceEachWithItsLine) {
  const std::string rest = R"(
  timout: 5s
  max_body: lots
  cors:
    origins: shop
    max_agee: 5s
  routes:
    - { get: /a }
)";
  for (const std::string listen :
       {"listen: 127.0.0.1:0", "lissen: 127.0.0.1:0", "listen: [1]", "listen: \"http://a/b\""}) {
    const std::string told = mistake_of("clients: { s: memory://s }\nhttp:\n  " + listen + rest);
    for (const char* part :
         {"config:4: http: unknown option \"timout\"; did you mean \"timeout\"", "config:5: http: option \"max_body\"",
          "config:7: http: cors.origins", "config:8: http: unknown option \"cors.max_agee\"",
          "config:10: what a route does is missing"}) {
      EXPECT_NE(told.find(part), std::string::npos) << listen << "\n" << part << "\n" << told;
    }
  }
}

TEST(ApplicationMistakes, OfTheNamesOfAddressAndRoutesAreToldWithTheName) {
  const std::string told = mistake_of("http:\n  listn: 127.0.0.1:0\n  route: []\n");
  EXPECT_NE(told.find("unknown option \"listn\"; did you mean \"listen\""), std::string::npos) << told;
  EXPECT_NE(told.find("unknown option \"route\"; did you mean \"routes\""), std::string::npos) << told;
}

TEST(ApplicationMistakes, OfHttpShowNothingOfWhatAVariableHolds) {
  ::setenv("APPLICATION_TEST_SECRET", "hunter2", 1);
  for (const char* option :
       {"timeout: \"${APPLICATION_TEST_SECRET}\"", "cors: { origins: \"${APPLICATION_TEST_SECRET}\" }",
        "cors: { origins: [ \"https://shop.example\", \"${APPLICATION_TEST_SECRET}\" ] }"}) {
    const std::string told = mistake_of(std::string("http:\n  listen: 127.0.0.1:0\n  ") + option);
    EXPECT_NE(told.find("config:3: http: "), std::string::npos) << told;
    EXPECT_NE(told.find("found what the variable holds"), std::string::npos) << told;
    EXPECT_EQ(told.find("hunter2"), std::string::npos) << told;
  }
  ::unsetenv("APPLICATION_TEST_SECRET");
}

TEST(ApplicationMistakes, WhatIsNotStartedTellsItsListenersAndRoutes) {
  asio::io_context loop(1);
  const Application app(loop.get_executor(),
                        ApplicationConfig::parse("listeners: { inside: memory://inside }\nhttp: 127.0.0.1:0"));
  const std::vector<std::string> lines = app.describe();
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[0], "listener inside: memory://inside");
  EXPECT_NE(lines[1].find("GET /livez"), std::string::npos) << lines[1];
}

TEST(ApplicationMistakes, OfOnePartAreNotToldOfAnother) {
  try {
    ApplicationConfig::parse("metrics: /metrics\nhttp: 8800", "shop.yaml", default_registry());
    FAIL() << "it is wrong";
  } catch (const Error& error) {
    EXPECT_EQ(error.message().find("serves no HTTP"), std::string::npos) << error.message();
  }
}

TEST(ApplicationMistakes, DurationsAreShownWithTheirUnits) {
  asio::io_context loop(1);
  const std::string route = "{ get: /a, timeout: 1500, request: { client: s, pattern: p } }";
  const Application app(loop.get_executor(),
                        ApplicationConfig::parse("drain_timeout: 5\nclients: { s: \"memory://s?timeout=2000\" }\n"
                                                 "http: { listen: 127.0.0.1:0, timeout: 60s, routes: [" +
                                                 route + "] }"));
  std::string all;
  for (const std::string& line : app.describe()) all += line + '\n';
  for (const char* part : {"GET /a, within 1500ms", "GET /docs", "GET /openapi.json", "requests within 1m",
                           "requests within 2s", "drains within 5ms"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << '\n' << all;
  }
}

TEST(ApplicationMistakes, OfACheckedFileAreToldAllAtOnceWithWhatAnApplicationWouldRefuse) {
  try {
    ApplicationConfig::parse(R"(clients: { s: "memory://s?wyre=true" }
metrics: /livez
http:
  listen: https://127.0.0.1:0
  cors: true
  routes:
    - { get: /readyz, request: { client: s, pattern: p } }
    - { get: /a, request: { client: t, pattern: p } }
)",
                             "shop.yaml", default_registry());
    FAIL() << "it is wrong";
  } catch (const Error& error) {
    const std::string told(error.message());
    for (const char* part :
         {"shop.yaml:1: memory URL: unknown option \"wyre\"", "shop.yaml:5: http: option \"cors\": expected a mapping",
          "shop.yaml:8: no client \"t\" is configured; did you mean \"s\"?"}) {
      EXPECT_NE(told.find(part), std::string::npos) << part << '\n' << told;
    }
  }
  const std::string told = mistake_of(R"(clients: { s: "memory://s" }
metrics: /livez
http:
  listen: https://127.0.0.1:0
  routes:
    - { get: /readyz, request: { client: s, pattern: p } }
)");
  for (const char* part :
       {"config:2: the route GET /livez: has a handler already; choose another path for metrics",
        "config:4: http: https://127.0.0.1:0: https:// needs a certificate",
        "config:6: the route GET /readyz: has a handler already; without it: health: { served: false }"}) {
    EXPECT_NE(told.find(part), std::string::npos) << part << '\n' << told;
  }
}

TEST(ApplicationMistakes, TwoListenersOnOneAddressAreToldByTheirNames) {
  const auto has = [](const std::string& yaml, std::string_view part) {
    const std::string mistake = mistake_of(yaml);
    EXPECT_NE(mistake.find(part), std::string::npos) << yaml << "\n" << mistake;
  };
  has("listeners:\n  a: tcp://127.0.0.1:3999\n  b: tcp://localhost:3999",
      "config:3: another listener of this program has the same address, \"a\" (config:2): choose another port");
  has("listeners:\n  - tcp://0.0.0.0:3999\n  - tcp://127.0.0.1:3999", "has the same address (config:2)");
  has("listeners:\n  a: tcp://127.0.0.1:3999\nhttp: :3999",
      "http: a listener of this program has the same address, \"a\"");
  for (const char* good : {"listeners: [\"tcp://127.0.0.1:0\", \"tcp://127.0.0.1:0\"]\nhttp: 127.0.0.1:0",
                           "listeners: [\"tcp://127.0.0.1:3999\", \"tcp://127.0.0.2:3999\"]",
                           "listeners: [\"tcp://0.0.0.0:3999\", \"tcp://[::1]:3999\"]",
                           "listeners: [\"memory://one\", \"memory://one\"]\nhttp: :3998"}) {
    EXPECT_EQ(mistake_of(good), "") << good;
  }
}

TEST(ApplicationMistakes, HttpWithoutAPortIsNotPort80InSilence) {
  for (const char* http : {"http: 127.0.0.1", "http: \"http://127.0.0.1\"", "http: { listen: localhost }"}) {
    EXPECT_NE(mistake_of(http).find("needs a port: write HOST:8101, or HOST:80"), std::string::npos) << http;
  }
}

}  // namespace
}  // namespace waybill
