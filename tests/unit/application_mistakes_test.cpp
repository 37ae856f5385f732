// Mistakes of an application's configuration that are told before it is started.
#include "waybill/application.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

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
  const std::string route = "clients: { s: memory://s }\nhttp:\n  listen: 127.0.0.1:0\n  routes:\n    - ";
  has(route + "{ get: /livez, request: { client: s, pattern: p } }", "served: false");
  has(route + "{ get: /a, request: { client: s, pattern: p, body: $query.id or 7 as number } }", "expected $path.NAME");
  has(route + "{ get: /a, request: { client: s, pattern: p, body: $query.id as number or abc } }", "is no number");
  has(route + "{ post: /a, request: { client: s, pattern: p, body: $body.id as number } }", "types of its own");
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

}  // namespace
}  // namespace waybill
