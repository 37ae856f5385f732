// What fields.hpp finds out about types, without any format.
#include "waybill/fields.hpp"

#include "waybill/format/coding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace {

using waybill::Kind;
using waybill::type_of;

enum class Color { red, green = 5, dark_blue = -3 };
enum Plain { plain_one = 1, plain_two };
enum class Flags : unsigned { read = 1, write = 1 << 20 };
WAYBILL_ENUM(Flags, read, write)

struct Empty {};
struct Item {
  std::string sku;
  int quantity = 1;
};
struct Order {
  std::string id;
  std::vector<Item> items;
  std::optional<std::string> note;
  std::unique_ptr<Order> parent;  // of itself
  std::array<int, 3> triple{};
  std::pair<int, std::string> pair;
  std::vector<bool> flags;
  std::chrono::seconds wait{};
  Color color = Color::red;
};
class Account {
 public:
  Account() = default;
  WAYBILL_FIELDS(Account, WAYBILL_FIELD(owner_, "owner \"name\""), balance_)

 private:
  std::string owner_;
  double balance_ = 0;
};
struct Base {
  int x = 0;
};
struct Derived : Base {
  int y = 0;
};
WAYBILL_FIELDS(Derived, x, y)

struct Wide {
  int a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{}, b0{}, b1{}, b2{}, b3{}, b4{}, b5{}, b6{}, b7{}, b8{},
      b9{}, c0{}, c1{}, c2{}, c3{}, c4{}, c5{}, c6{}, c7{}, c8{}, c9{}, d0{}, d1{}, d2{}, d3{}, d4{}, d5{}, d6{}, d7{},
      d8{}, last{};
};

std::span<const waybill::Field> fields(const waybill::TypeInfo& type) {
  EXPECT_EQ(type.kind, Kind::object);
  return static_cast<const waybill::ObjectType&>(type).fields;
}

TEST(Fields, PlainStructsNeedNoMacro) {
  const auto found = fields(type_of<Order>());
  ASSERT_EQ(found.size(), 9u);
  const char* names[] = {"id", "items", "note", "parent", "triple", "pair", "flags", "wait", "color"};
  const Kind kinds[] = {Kind::text,  Kind::list, Kind::optional, Kind::optional,   Kind::list,
                        Kind::tuple, Kind::list, Kind::int64,    Kind::enumeration};
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].name, names[i]);
    EXPECT_EQ(found[i].kind, kinds[i]) << names[i];
    EXPECT_EQ(found[i].type().kind, kinds[i]) << names[i];
    EXPECT_EQ(found[i].required, kinds[i] != Kind::optional) << names[i];
  }
  EXPECT_EQ(type_of<Order>().name, "Order");
  EXPECT_EQ(found[0].json_key, ",\"id\":");
}

TEST(Fields, OffsetsAreThoseOfTheMembers) {
  Order order;
  const char* base = reinterpret_cast<const char*>(&order);
  const auto found = fields(type_of<Order>());
  EXPECT_EQ(base + found[0].offset, reinterpret_cast<const char*>(&order.id));
  EXPECT_EQ(base + found[5].offset, reinterpret_cast<const char*>(&order.pair));
  EXPECT_EQ(base + found[8].offset, reinterpret_cast<const char*>(&order.color));
}

TEST(Fields, ATypeMayContainItself) {
  const auto& parent = static_cast<const waybill::OptionalType&>(fields(type_of<Order>())[3].type());
  EXPECT_EQ(&parent.value_type(), &type_of<Order>());
}

TEST(Fields, UpToFortyMembers) {
  const auto found = fields(type_of<Wide>());
  ASSERT_EQ(found.size(), 40u);
  EXPECT_EQ(found[39].name, "last");
  EXPECT_TRUE(fields(type_of<Empty>()).empty());
}

TEST(Fields, LocalTypesWork) {
  struct Local {
    int number;
    std::string_view text;
  };
  const auto found = fields(type_of<Local>());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].name, "text");
  EXPECT_EQ(found[1].kind, Kind::text_view);
}

TEST(Fields, MacroReachesPrivateAndRenamedMembers) {
  const auto found = fields(type_of<Account>());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "owner \"name\"");
  EXPECT_EQ(found[0].json_key, ",\"owner \\\"name\\\"\":");
  EXPECT_EQ(found[1].name, "balance_");
}

TEST(Fields, MacroOutsideTheClassReachesBases) {
  Derived value;
  const auto found = fields(type_of<Derived>());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(reinterpret_cast<char*>(&value) + found[1].offset, reinterpret_cast<char*>(&value.y));
}

struct First {
  int a = 0;
};
struct Second {
  int b = 0;
};
struct OfBoth : First, Second {
  int c = 0;
  WAYBILL_FIELDS(OfBoth, a, b, c)
};
struct WithVtable : Second {
  virtual ~WithVtable() = default;
  int d = 0;
};
WAYBILL_FIELDS(WithVtable, WAYBILL_FIELD(b, "inherited"), d)

TEST(Fields, InheritedMembersAreFoundWhereTheyAre) {
  OfBoth both;
  const auto found = fields(type_of<OfBoth>());
  const char* const start = reinterpret_cast<const char*>(&both);
  EXPECT_EQ(start + found[0].offset, reinterpret_cast<const char*>(&both.a));
  EXPECT_EQ(start + found[1].offset, reinterpret_cast<const char*>(&both.b));
  EXPECT_EQ(start + found[2].offset, reinterpret_cast<const char*>(&both.c));
  const WithVtable derived;
  const auto behind = fields(type_of<WithVtable>());
  EXPECT_EQ(reinterpret_cast<const char*>(&derived) + behind[0].offset, reinterpret_cast<const char*>(&derived.b));
  EXPECT_EQ(reinterpret_cast<const char*>(&derived) + behind[1].offset, reinterpret_cast<const char*>(&derived.d));
}

struct DescribedBase {
  int x = 0;
  WAYBILL_FIELDS(DescribedBase, x)
};
struct NotDescribed : First, DescribedBase {
  int y = 0;
};

TEST(Fields, WhatDescribesABaseIsNotTakenForItsDerivedTypes) {
  EXPECT_TRUE(waybill::detail::HasFields<DescribedBase>);
  EXPECT_FALSE(waybill::detail::HasFields<NotDescribed>);
  EXPECT_TRUE(waybill::detail::HasFields<Derived>);
  struct More : Derived {};
  EXPECT_FALSE(waybill::detail::HasFields<More>);
}

struct Lent {
  std::string_view text;
};
struct Tree {
  std::vector<Tree> branches;
  std::map<std::string, Lent> lent;
};
struct OwningTree {
  std::vector<OwningTree> branches;
  std::optional<std::string> text;
};

TEST(Fields, BorrowedTextsAreSeenWhereverTheyAre) {
  using waybill::detail::has_borrowed_text;
  static_assert(has_borrowed_text<std::string_view>() && has_borrowed_text<const char*>());
  static_assert(has_borrowed_text<std::vector<std::optional<std::string_view>>>());
  static_assert(has_borrowed_text<std::pair<int, const char*>>() && has_borrowed_text<Lent>());
  static_assert(has_borrowed_text<std::variant<int, Lent>>() && has_borrowed_text<Tree>());
  static_assert(!has_borrowed_text<OwningTree>() && !has_borrowed_text<std::string>() && !has_borrowed_text<Order>());
}

TEST(Fields, EnumeratorsAreFound) {
  const auto& type = static_cast<const waybill::EnumType&>(type_of<Color>());
  EXPECT_EQ(waybill::format::enum_name(type, 5), "green");
  EXPECT_EQ(waybill::format::enum_name(type, -3), "dark_blue");
  EXPECT_EQ(waybill::format::enum_name(type, 1), "");
  EXPECT_EQ(type.entries.size(), 3u);
  const auto& plain = static_cast<const waybill::EnumType&>(type_of<Plain>());
  EXPECT_EQ(waybill::format::enum_choices(plain), "plain_one or plain_two");
  const auto& flags = static_cast<const waybill::EnumType&>(type_of<Flags>());
  EXPECT_EQ(waybill::format::enum_name(flags, 1 << 20), "write");
}

TEST(Fields, KindsOfTheStandardLibrary) {
  EXPECT_EQ(type_of<char[6]>().kind, Kind::text_array);
  EXPECT_EQ(type_of<const char*>().kind, Kind::text_pointer);
  EXPECT_EQ(type_of<std::uint8_t>().kind, Kind::uint8);
  EXPECT_EQ(type_of<long long>().kind, Kind::int64);
  EXPECT_EQ(type_of<std::vector<std::byte>>().kind, Kind::bytes);
  EXPECT_EQ(type_of<std::monostate>().kind, Kind::null);
  EXPECT_EQ(type_of<std::chrono::system_clock::time_point>().kind, Kind::time);
  EXPECT_EQ((type_of<std::unordered_map<std::string, int>>().kind), Kind::map);
  EXPECT_EQ(type_of<std::deque<int>>().kind, Kind::list);
  EXPECT_EQ(type_of<std::list<int>>().kind, Kind::list);
  EXPECT_EQ(type_of<std::set<int>>().kind, Kind::list);
  EXPECT_EQ((type_of<std::variant<int, std::string>>().kind), Kind::variant);
  EXPECT_EQ((type_of<std::chrono::duration<double>>().kind), Kind::float64);
  EXPECT_EQ(type_of<waybill::Payload>().kind, Kind::raw);
}

TEST(Fields, ThoseThatWereSeenAreKnownInAnyOrder) {
  std::mt19937 random(1);
  for (const std::size_t count : {1u, 5u, 64u, 65u, 200u}) {
    for (int round = 0; round < 50; ++round) {
      waybill::format::SeenFields seen(count);
      std::set<std::size_t> truth;
      // Some in the order of the type, with gaps; then any, some of them again.
      for (std::size_t i = 0; i < count && round % 2; ++i) {
        if (random() % 4) seen.add(*truth.insert(i).first);
      }
      for (std::size_t i = random() % (count + 1); i > 0; --i) seen.add(*truth.insert(random() % count).first);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(seen.has(i), truth.contains(i)) << i << " of " << count;
      if (seen.has_all()) {
        ASSERT_EQ(truth.size(), count);
      }
    }
    waybill::format::SeenFields all(count);
    for (std::size_t i = 0; i < count; ++i) all.add(i);
    EXPECT_TRUE(all.has_all());
  }
}

TEST(Fields, IsoTimesAreThoseOfDate) {
  const auto format = [](std::int64_t milliseconds) {
    char text[32];
    return std::string(text, waybill::format::format_iso_time(milliseconds, text));
  };
  EXPECT_EQ(format(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format(951782400123), "2000-02-29T00:00:00.123Z");
  EXPECT_EQ(format(8640000000000000), "+275760-09-13T00:00:00.000Z");
  EXPECT_EQ(format(-8640000000000000), "-271821-04-20T00:00:00.000Z");
  EXPECT_EQ(format(8640000000000001), "");
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{951782400123},
                                  std::int64_t{8640000000000000}, std::int64_t{-8640000000000000}}) {
    std::int64_t back = 1;
    EXPECT_TRUE(waybill::format::parse_iso_time(format(time), back));
    EXPECT_EQ(back, time);
  }
}

TEST(Fields, IsoTimesAreReadWithZones) {
  std::int64_t time = 0;
  EXPECT_TRUE(waybill::format::parse_iso_time("1970-01-01T01:00:00.5+01:00", time));
  EXPECT_EQ(time, 500);
  EXPECT_TRUE(waybill::format::parse_iso_time("1970-01-02", time));
  EXPECT_EQ(time, 86'400'000);
  for (const char* wrong : {"", "1970", "1970-13-01", "1970-02-30", "1970-01-01T25:00:00Z", "1970-01-01T00:00:00Zx",
                            "1970-01-01T00:00:00.", "1970-01-01T00:60:00Z", "yesterday"}) {
    EXPECT_FALSE(waybill::format::parse_iso_time(wrong, time)) << wrong;
  }
}

TEST(Fields, ExactIntegers) {
  const auto read = [](std::string_view text) -> std::string {
    bool negative = false;
    std::uint64_t magnitude = 0;
    if (!waybill::format::exact_integer(text, negative, magnitude)) return "none";
    return (negative ? "-" : "") + std::to_string(magnitude);
  };
  EXPECT_EQ(read("1.0"), "1");
  EXPECT_EQ(read("1e3"), "1000");
  EXPECT_EQ(read("-12.50e1"), "-125");
  EXPECT_EQ(read("100e-2"), "1");
  EXPECT_EQ(read("0e400"), "0");
  EXPECT_EQ(read("1e-1"), "none");
  EXPECT_EQ(read("1.5"), "none");
  EXPECT_EQ(read("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(read("18446744073709551616"), "none");
  EXPECT_EQ(read("1e999999"), "none");
}

}  // namespace
