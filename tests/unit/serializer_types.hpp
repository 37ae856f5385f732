// Types that the tests of serializers send through, one member for each kind.
#pragma once

#include "waybill/fields.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace serializer_test {

enum class Color { red, green = 5 };

struct Item {
  std::string sku;
  std::int64_t quantity = 1;
  bool operator==(const Item&) const = default;
};
struct Order {
  std::string id;
  std::vector<Item> items;
  std::optional<std::string> note;
  bool operator==(const Order&) const = default;
};

struct Everything {
  bool flag = false;
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  std::string text;
  std::vector<std::byte> bytes;
  Color color = Color::red;
  std::optional<int> some, none;
  std::deque<int> list;
  std::set<std::string> set;
  std::vector<bool> flags;
  std::array<int, 2> pair{};
  std::map<std::string, Item> map;
  std::unordered_map<int, std::string> by_number;
  std::tuple<int, std::string, bool> tuple;
  std::variant<int, std::string, Item> variant;
  std::monostate nothing;
  std::chrono::system_clock::time_point time;
  std::chrono::milliseconds wait{};
  std::vector<std::optional<int>> gaps;
  Order order;
  bool operator==(const Everything&) const = default;
};

inline Everything everything() {
  Everything e;
  e.flag = true;
  e.i8 = std::numeric_limits<std::int8_t>::min();
  e.i16 = std::numeric_limits<std::int16_t>::min();
  e.i32 = std::numeric_limits<std::int32_t>::min();
  e.i64 = std::numeric_limits<std::int64_t>::min();
  e.u8 = std::numeric_limits<std::uint8_t>::max();
  e.u16 = std::numeric_limits<std::uint16_t>::max();
  e.u32 = std::numeric_limits<std::uint32_t>::max();
  e.u64 = std::numeric_limits<std::uint64_t>::max();
  e.f32 = 0.1f;
  e.f64 = 0.1;
  e.text = "quote \" backslash \\ line\nend, \xED\x95\x9C\xEA\xB5\xAD, \xF0\x9F\x98\x80";
  e.bytes = {std::byte{0}, std::byte{127}, std::byte{255}};
  e.color = Color::green;
  e.some = 7;
  e.list = {1, 2, 3};
  e.set = {"a", "b"};
  e.flags = {true, false, true};
  e.pair = {8, 9};
  e.map = {{"first", {"sku-1", 1}}, {"second", {"sku-2", 2}}};
  e.by_number = {{-5, "minus five"}};
  e.tuple = {1, "two", true};
  e.variant = Item{"variant", 3};
  e.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1795347317123));
  e.wait = std::chrono::milliseconds(-250);
  e.gaps = {1, std::nullopt, 3};
  e.order = {"a-1", {{"x", 1}, {"y", 2}}, "note"};
  return e;
}

}  // namespace serializer_test
