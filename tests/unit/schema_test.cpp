// JSON Schemas of payload types. That what waybill writes fits them is tested with Ajv (tests/interop).
#include "waybill/schema.hpp"

#include "waybill/format/schema_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace {

using waybill::json_schema;
using waybill::format::JsonValue;
using waybill::format::SchemaPool;

constexpr const char* k_dialect = R"("$schema":"https://json-schema.org/draft/2020-12/schema")";

/// Without the name of the dialect.
template <class T>
std::string schema() {
  std::string text = json_schema<T>();
  const std::string head = '{' + std::string(k_dialect);
  EXPECT_TRUE(text.starts_with(head)) << text;
  text.erase(1, head.size() - (text == head + '}' ? 1 : 0));
  return text;
}

enum class Color { red, dark_blue };
struct Order {
  std::string id;
  std::optional<int> quantity;
  std::vector<Order> parts;
  Color color = Color::red;
  std::optional<Color> other;
};
template <class T>
struct Page {
  std::vector<T> items;
};
struct Tree : std::vector<Tree> {};
struct Both {
  Page<int> numbers;
  Page<std::string> texts;
};

TEST(JsonSchemas, NumbersHaveTheirRanges) {
  EXPECT_EQ(schema<std::int8_t>(), R"({"type":"integer","minimum":-128,"maximum":127})");
  EXPECT_EQ(schema<std::uint16_t>(), R"({"type":"integer","minimum":0,"maximum":65535})");
  EXPECT_EQ(schema<int>(), R"({"type":"integer","format":"int32","minimum":-2147483648,"maximum":2147483647})");
  EXPECT_EQ(schema<std::uint64_t>(), R"({"type":"integer","minimum":0,"maximum":18446744073709551615})");
  EXPECT_EQ(schema<double>(), R"({"type":"number","format":"double"})");
  EXPECT_NE(schema<float>().find(R"("maximum":3.4028235e+38)"), std::string::npos);
  EXPECT_EQ(schema<bool>(), R"({"type":"boolean"})");
  EXPECT_EQ(schema<std::chrono::seconds>(), schema<std::int64_t>());
}

TEST(JsonSchemas, TextsTimesAndBytes) {
  EXPECT_EQ(schema<std::string>(), R"({"type":"string"})");
  EXPECT_EQ(schema<const char*>(), R"({"type":["string","null"]})");
  EXPECT_EQ(schema<std::chrono::system_clock::time_point>(), R"({"type":"string","format":"date-time"})");
  EXPECT_NE(schema<std::vector<std::byte>>().find(R"("const":"Buffer")"), std::string::npos);
}

TEST(JsonSchemas, ListsMapsTuplesAndVariants) {
  EXPECT_EQ(schema<std::vector<bool>>(), R"({"type":"array","items":{"type":"boolean"}})");
  EXPECT_EQ((schema<std::array<bool, 3>>()),
            R"({"type":"array","items":{"type":"boolean"},"minItems":3,"maxItems":3})");
  EXPECT_EQ((schema<std::map<std::string, bool>>()), R"({"type":"object","additionalProperties":{"type":"boolean"}})");
  EXPECT_NE((schema<std::map<int, bool>>().find(R"("propertyNames":{"pattern":"^-?[0-9]+$"})")), std::string::npos);
  EXPECT_EQ((schema<std::pair<bool, std::string>>()),
            R"({"type":"array","prefixItems":[{"type":"boolean"},{"type":"string"}],"items":false,"minItems":2})");
  EXPECT_EQ((schema<std::variant<std::monostate, bool>>()), R"({"anyOf":[{"type":"null"},{"type":"boolean"}]})");
  EXPECT_EQ((schema<std::optional<std::variant<bool, std::string>>>()),
            R"({"anyOf":[{"type":"boolean"},{"type":"string"},{"type":"null"}]})");
}

TEST(JsonSchemas, WhatKnowsItsShapeAtRunTimeIsAnything) { EXPECT_EQ(schema<waybill::Payload>(), "{}"); }

TEST(JsonSchemas, ObjectsAndEnumsAreDefinedOnceAndMayContainThemselves) {
  EXPECT_EQ(schema<Order>(),
            R"({"$ref":"#/$defs/Order","$defs":{"Order":{"type":"object","properties":{"id":{"type":"string"},)"
            R"("quantity":{"type":["integer","null"],"format":"int32","minimum":-2147483648,"maximum":2147483647},)"
            R"("parts":{"type":"array","items":{"$ref":"#/$defs/Order"}},"color":{"$ref":"#/$defs/Color"},)"
            R"("other":{"anyOf":[{"$ref":"#/$defs/Color"},{"type":"null"}]}},"required":["id","parts","color"]},)"
            R"("Color":{"type":"string","enum":["red","dark_blue"]}}})");
  EXPECT_EQ(schema<Tree>(),
            R"({"$ref":"#/$defs/list","$defs":{"list":{"type":"array","items":{"$ref":"#/$defs/list"}}}})");
}

TEST(JsonSchemas, TypesOfOneNameAreTold) {
  const std::string text = schema<Both>();
  EXPECT_NE(text.find(R"("numbers":{"$ref":"#/$defs/Page"},"texts":{"$ref":"#/$defs/Page2"})"), std::string::npos)
      << text;
}

TEST(SchemaPools, HaveEqualDefinitionsOnceAndOthersByANumber) {
  SchemaPool pool("#/components/schemas/");
  const auto add = [&pool](const char* json) { return pool.add(JsonValue::parse(json).value()).to_text(); };
  const char* const order =
      R"({"$schema":"x","$ref":"#/$defs/Order","$defs":{"Order":{"items":{"$ref":"#/$defs/Item"}},"Item":{"type":"string"}}})";
  const char* const other =
      R"({"items":{"$ref":"#/$defs/Order"},"$defs":{"Order":{"items":{"$ref":"#/$defs/Item"}},"Item":{"type":"null"}}})";
  EXPECT_EQ(add(order), R"({"$ref":"#/components/schemas/Order"})");
  EXPECT_EQ(add(other), R"({"items":{"$ref":"#/components/schemas/Order2"}})");
  EXPECT_EQ(add(order), R"({"$ref":"#/components/schemas/Order"})");
  EXPECT_EQ(add(other), R"({"items":{"$ref":"#/components/schemas/Order2"}})");
  EXPECT_EQ(pool.definitions().to_text(),
            R"({"Order":{"items":{"$ref":"#/components/schemas/Item"}},"Item":{"type":"string"},)"
            R"("Order2":{"items":{"$ref":"#/components/schemas/Item2"}},"Item2":{"type":"null"}})");
}

TEST(JsonValues, KeepOrderDigitsAndTexts) {
  const char* const text = R"({"b":[1,2.50,-0,1e3,true,false,null,"\"\n"],"a":{},"c":[]})";
  EXPECT_EQ(JsonValue::parse(text).value().to_text(), text);
  for (const char* wrong : {"", "{", "[1,]", "{\"a\"}", "1 2", "tru", "nul", "\"\xff\""}) {
    EXPECT_FALSE(JsonValue::parse(wrong)) << wrong;
  }
  EXPECT_FALSE(JsonValue::parse(std::string(200, '[') + std::string(200, ']')));
  EXPECT_EQ(JsonValue::parse(R"({"a":[1,{}]})").value().to_text(2), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
}

}  // namespace
