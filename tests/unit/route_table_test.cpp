#include "service/route_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waybill::detail {
namespace {

void add(RouteTable& table, const Pattern& pattern) {
  table.add(pattern, make_handler([] {}), false);
}

TEST(RouteTable, KnowsWhichHandlersNoMessageReaches) {
  RouteTable table;
  for (const char* text : {"order", "null", "true", "1.0", "1", "order.*", "{\"cmd\":\"x\"}", "{ \"cmd\": \"y\" }"})
    add(table, text);
  add(table, 7);
  add(table, {{"cmd", "sum"}});
  add(table, native("null"));
  EXPECT_EQ(table.unreachable(), (std::vector<std::string>{"null", "true", "1.0", "{ \"cmd\": \"y\" }"}));
}

TEST(RouteTable, RefusesPatternsThatNoMessageMayHave) {
  RouteTable table;
  add(table, std::string(k_max_pattern, 'x'));
  EXPECT_THROW(add(table, std::string(k_max_pattern + 1, 'x')), Error);
}

TEST(RouteCache, OversizedPatternsFindNoHandlerAndAreNotKept) {
  RouteTable table;
  add(table, {{"cmd", "sum"}});
  RouteCache cache(table);
  // JSON allows any white space: the same route in ever other bytes.
  const auto spaced = [](std::size_t size) {
    const std::string begin = "{\"cmd\":";
    const std::string end = "\"sum\"}";
    return begin + std::string(size - begin.size() - end.size(), ' ') + end;
  };
  EXPECT_NE(cache.find({spaced(k_max_pattern), true}), nullptr);
  EXPECT_EQ(cache.find({spaced(k_max_pattern + 1), true}), nullptr);
  EXPECT_EQ(cache.find({spaced(65'000), true}), nullptr);
}

}  // namespace
}  // namespace waybill::detail
