// Payloads in JSON: what is written for each type, what is read, and what mistakes are called.
#include "waybill/serializers/json.hpp"

#include "json_text.hpp"
#include "serializer_types.hpp"
#include "vectors.hpp"
#include "waybill/adapt/nlohmann.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace adapted {

struct Legacy {  // not an aggregate that waybill would see in the same way
  int number = 0;
};
void to_json(nlohmann::json& json, const Legacy& value) { json = {{"legacy_number", value.number}}; }
void from_json(const nlohmann::json& json, Legacy& value) { json.at("legacy_number").get_to(value.number); }

}  // namespace adapted

namespace {

using namespace serializer_test;
using waybill::Buffer;
using waybill::errc;
using waybill::Slice;
using waybill::ValueOut;
using waybill::ValueRef;

const waybill::Serializer& json() {
  static const auto serializer = waybill::json::make_json_serializer();
  return *serializer;
}

template <class T>
std::string encode(const T& value) {
  Buffer out;
  out.append("before");
  const auto result = json().encode(ValueRef::of(value), out);
  if (!result) {
    EXPECT_EQ(out.view(), "before");
    return std::string("error: ") + result.error().what();
  }
  return std::string(out.view().substr(6));
}

template <class T>
waybill::Result<T> decode(std::string_view text) {
  T value{};
  const Slice slice = Slice::copy(text);
  if (auto result = json().decode(slice, ValueOut::of(value)); !result) return result.error();
  return value;
}

template <class T>
std::string why_not(std::string_view text) {
  const auto result = decode<T>(text);
  return result ? "it did decode" : result.error().what();
}

TEST(Json, EveryKindSurvivesARoundTrip) {
  const Everything before = everything();
  const std::string text = encode(before);
  const auto after = decode<Everything>(text);
  ASSERT_TRUE(after) << after.error().what() << "\n" << text;
  EXPECT_EQ(*after, before);
}

TEST(Json, WritesAsJavaScriptDoes) {
  EXPECT_EQ(encode(Order{"a", {{"s", 2}}, {}}), R"({"id":"a","items":[{"sku":"s","quantity":2}]})");
  EXPECT_EQ(encode(std::optional<int>()), "null");
  EXPECT_EQ(encode(std::monostate()), "null");
  EXPECT_EQ(encode(std::vector<std::byte>{std::byte{1}, std::byte{255}}), R"({"type":"Buffer","data":[1,255]})");
  EXPECT_EQ(encode(std::chrono::system_clock::time_point()), "\"1970-01-01T00:00:00.000Z\"");
  EXPECT_EQ(encode(Color::green), "\"green\"");
  EXPECT_EQ(encode(std::nan("")), "null");
  EXPECT_EQ(encode("literal"), "\"literal\"");
  EXPECT_EQ(encode(std::pair(1, std::string("x"))), R"([1,"x"])");
  EXPECT_EQ(encode(0.1f), "0.1");
}

TEST(Json, IntegersAreExact) {
  EXPECT_EQ(encode(std::int64_t{9007199254740993}), "9007199254740993");
  EXPECT_EQ(decode<std::int64_t>("-9223372036854775808").value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(decode<std::uint64_t>("18446744073709551615").value(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(decode<int>("1.0").value(), 1);
  EXPECT_EQ(decode<std::vector<int>>("[1e3,20e-1,-0]").value(), (std::vector<int>{1000, 2, 0}));
  EXPECT_EQ(why_not<int>("1.5"), "payload: expected an integer, found 1.5");
  EXPECT_EQ(why_not<std::int8_t>("128"), "payload: expected an integer from -128 to 127, found 128");
  EXPECT_EQ(why_not<std::uint32_t>("-1"), "payload: expected an integer from 0 to 4294967295, found -1");
  EXPECT_EQ(why_not<std::int64_t>("9223372036854775808"),
            "payload: expected an integer from -9223372036854775808 to 9223372036854775807, found 9223372036854775808");
}

TEST(Json, DoublesReadWhatJavaScriptReads) {
  EXPECT_EQ(decode<double>("1e400").value(), HUGE_VAL);
  EXPECT_EQ(decode<std::vector<double>>("[-1e400,1e-400,123456789012345678901234567890]").value(),
            (std::vector<double>{-HUGE_VAL, 0, 123456789012345678901234567890.0}));
  for (const char* wrong : {"01", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "1e", "--1", "1 2"}) {
    EXPECT_FALSE(decode<double>(wrong)) << wrong;
    EXPECT_FALSE(decode<std::vector<double>>("[" + std::string(wrong) + "]")) << wrong;
  }
}

TEST(Json, MistakesHaveAPath) {
  EXPECT_EQ(why_not<Order>(R"({"id":"x","items":[{"sku":"a","quantity":1},{"sku":"b","quantity":"two"}]})"),
            "order.items[1].quantity: expected an integer, found \"two\"");
  EXPECT_EQ(why_not<Order>(R"({"items":[]})"), "order.id: expected a text, found nothing (the field is missing)");
  EXPECT_EQ(why_not<Order>("[]"), "order: expected an object (Order), found a list");
  EXPECT_EQ(why_not<Order>(R"({"id":null,"items":[]})"), "order.id: expected a text, found null");
  EXPECT_EQ((why_not<std::map<std::string, int>>(R"({"a":{}})")), "payload.a: expected an integer, found an object");
  EXPECT_EQ((why_not<std::map<int, int>>(R"({"a":1})")), "payload: expected an integer as key, found \"a\"");
  EXPECT_EQ(why_not<Color>("\"blue\""), "payload: expected red or green, found \"blue\"");
  EXPECT_EQ((why_not<std::array<int, 2>>("[1]")), "payload: expected a list of 2 items, found 1");
  EXPECT_EQ((why_not<std::array<int, 2>>("[1,2,3]")), "payload: expected a list of 2 items, found more");
  EXPECT_EQ((why_not<std::variant<int, bool>>("\"x\"")), "payload: expected an integer or true or false, found \"x\"");
  EXPECT_EQ(decode<int>("\"x\"").error().code(), errc::payload_mismatch);
  EXPECT_EQ(why_not<int>(""), "payload: expected an integer, found no payload");
}

TEST(Json, ObjectsAreReadInAnyOrderAndIgnoreWhatTheyDoNotKnow) {
  const auto order = decode<Order>(R"( { "new":[{"deep":[1,{}]}], "items" : [ ] ,"\u0069d":"x", "id":"last" } )");
  ASSERT_TRUE(order) << order.error().what();
  EXPECT_EQ(order->id, "last");
}

TEST(Json, EnumsMayComeAsNumbers) {
  EXPECT_EQ(decode<Color>("5").value(), Color::green);
  EXPECT_FALSE(decode<Color>("4"));
  EXPECT_EQ(encode(static_cast<Color>(4)), "error: payload: Color has no name for the value 4");
}

TEST(Json, VariantsTakeTheFirstThatFits) {
  using V = std::variant<std::monostate, int, double, std::string, Item, std::vector<int>>;
  EXPECT_EQ(decode<V>("null").value().index(), 0u);
  EXPECT_EQ(decode<V>("1").value().index(), 1u);
  EXPECT_EQ(decode<V>("1.5").value().index(), 2u);
  EXPECT_EQ(decode<V>("\"x\"").value().index(), 3u);
  EXPECT_EQ(std::get<Item>(decode<V>(R"({"sku":"x","quantity":2})").value()), (Item{"x", 2}));
  EXPECT_EQ(decode<std::vector<V>>("[[1,2],7]").value()[0].index(), 5u);
  using Nested = std::variant<bool, std::optional<std::variant<int, Item>>>;
  EXPECT_EQ(std::get<Item>(*std::get<1>(decode<std::vector<Nested>>(R"([{"sku":"x","quantity":2}])").value()[0])),
            (Item{"x", 2}));
  for (const char* wrong : {"1 2", "[1] 2", "{}x", "", "[1,}"}) EXPECT_FALSE(decode<V>(wrong)) << wrong;
}

TEST(Json, MalformedTextIsAnErrorEverywhere) {
  const std::string whole = encode(everything());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode<Everything>(whole.substr(0, size))) << size;
  }
  for (const char* wrong :
       {"{}x", "[1,]", "[1 2]", "[,1]", "\xEF\xBB\xBF[1]", "[1]]", "[\"\\x\"]", "[\"\x01\"]", "[", "]"}) {
    EXPECT_EQ(decode<nlohmann::json>(wrong).error().code(), errc::payload_malformed) << wrong;
  }
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(std::size_t(depth), '[') + std::string(std::size_t(depth), ']');
  };
  EXPECT_TRUE(decode<nlohmann::json>(nested(128)));
  EXPECT_EQ(decode<nlohmann::json>(nested(129)).error().code(), errc::payload_mismatch);
  EXPECT_EQ(decode<waybill::Payload>(nested(129)).error().code(), errc::payload_mismatch);
  EXPECT_FALSE(decode<nlohmann::json>(std::string(1'000'000, '[')));
  nlohmann::json deep;
  for (int i = 0; i < 200; ++i) deep = nlohmann::json::array({deep});
  Buffer out;
  EXPECT_EQ(json().encode(ValueRef::of(deep), out).error().code(), errc::too_large);
}

TEST(Json, TextsMustBeUtf8ButLoneSurrogatesSurvive) {
  EXPECT_EQ(encode(std::string("a\xFF")),
            "error: payload: the text is not valid UTF-8: send bytes as std::vector<std::byte>");
  EXPECT_FALSE(json().encode(ValueRef::of(Order{"\xC3", {}, {}}), *std::make_unique<Buffer>()));
  const auto lone = decode<std::string>(R"("\ud83d")");
  ASSERT_TRUE(lone);
  EXPECT_EQ(*lone, "\xED\xA0\xBD");
  EXPECT_EQ(encode(*lone), R"("\ud83d")");
  EXPECT_EQ(encode(std::string("\xED\xA0\xBD\xED\xB8\x80")), "\"\xF0\x9F\x98\x80\"");  // a pair is a character
}

TEST(Json, InvalidUtf8IsReadAsReplacementCharacters) {
  EXPECT_EQ(decode<std::string>("\"a\xFF\xE2\x82z\"").value(), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  EXPECT_EQ(waybill::json::replace_invalid_utf8("\xF0\x9F\x98\x41\xC0\x80\xED\xA0\x80"),
            "\xEF\xBF\xBD\x41\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Json, InvalidUtf8IsReadAsReplacementCharactersWhereverItStands) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(decode<std::string>("\"\\n\xE2\x82\\u0041\"").value(), "\n" + mark + "A");
  EXPECT_EQ(decode<std::string>("\"" + std::string(40, 'a') + "\xC3\"").value(), std::string(40, 'a') + mark);
  using Map = std::map<std::string, int>;
  EXPECT_EQ(decode<Map>("{\"k\xFF\":1}").value(), (Map{{"k" + mark, 1}}));
  EXPECT_EQ(decode<Map>("{\"\\tk\xFF\":1}").value(), (Map{{"\tk" + mark, 1}}));
  EXPECT_EQ(decode<waybill::Payload>("[\"\xFF\"]").value().bytes().view(), "[\"" + mark + "\"]");
  const auto order = decode<Order>("{\"ignored\xFF\":[\"\xFF\"],\"items\":[],\"id\":\"\xF0\x9F\"}");
  ASSERT_TRUE(order) << order.error().message();
  EXPECT_EQ(order->id, mark);
  EXPECT_FALSE(decode<std::string>("\"a\" \xFF"));
}

TEST(Json, PayloadsPassThrough) {
  const auto payload = decode<waybill::Payload>(R"( {"a":[1, 2]} )").value();
  EXPECT_EQ(payload.bytes().view(), R"({"a":[1, 2]})");
  EXPECT_EQ(encode(payload), R"({"a":[1, 2]})");
  struct Wrapper {
    int id = 0;
    waybill::Payload inner, missing;
  };
  const auto wrapper = decode<Wrapper>(R"({"inner": [1,"x"] ,"id":1})").value();
  EXPECT_EQ(wrapper.inner.bytes().view(), R"([1,"x"])");
  EXPECT_TRUE(wrapper.missing.empty());
  EXPECT_EQ(encode(wrapper), R"({"id":1,"inner":[1,"x"]})");
  EXPECT_FALSE(decode<Wrapper>(R"({"inner":[tru],"id":1})"));
  EXPECT_FALSE(decode<waybill::Payload>("1 2"));
}

TEST(Json, NlohmannValuesAndTypes) {
  const auto value = decode<nlohmann::ordered_json>(R"({"b":[1,-2,2.5,18446744073709551615],"a":{"x":null,"y":true}})");
  ASSERT_TRUE(value) << value.error().what();
  EXPECT_EQ(encode(*value), R"({"b":[1,-2,2.5,18446744073709551615],"a":{"x":null,"y":true}})");
  EXPECT_EQ(encode(adapted::Legacy{3}), R"({"legacy_number":3})");
  EXPECT_EQ(decode<adapted::Legacy>(R"({"legacy_number":4})").value().number, 4);
  EXPECT_EQ(decode<adapted::Legacy>("{}").error().code(), errc::payload_mismatch);
  EXPECT_EQ(waybill::type_of<std::vector<int>>().kind, waybill::Kind::list);  // not nlohmann's
}

TEST(Json, VectorsOfJavaScriptText) {
  int checked = 0;
  for (const auto& vector : waybill::test::vectors("json_text.jsonl")) {
    const std::string name = vector["name"];
    const std::string input = vector["input_json"];
    const std::string output = vector["output_json"];
    if (name.starts_with("json/number/")) {
      EXPECT_EQ(encode(decode<double>(input).value()), output) << name;
    } else if (name.starts_with("json/string/")) {
      EXPECT_EQ(encode(decode<std::string>(input).value()), output) << name;
    } else if (name.find("/integer-key") == std::string::npos) {  // C++ objects keep their own order
      EXPECT_EQ(encode(decode<nlohmann::ordered_json>(input).value()), output) << name;
    } else {
      continue;
    }
    ++checked;
  }
  EXPECT_GT(checked, 50);
}

RC_GTEST_PROP(JsonProperty, DoublesSurvive, (double value)) {
  RC_ASSERT(decode<double>(encode(value)).value() == value);
}
RC_GTEST_PROP(JsonProperty, IntegersSurvive, (std::int64_t a, std::uint64_t b)) {
  RC_ASSERT(decode<std::int64_t>(encode(a)).value() == a);
  RC_ASSERT(decode<std::uint64_t>(encode(b)).value() == b);
}
RC_GTEST_PROP(JsonProperty, TextsSurviveOrAreRefused, (const std::string& text)) {
  const std::string encoded = encode(text);
  if (waybill::json::is_utf8(text)) {
    RC_ASSERT(decode<std::string>(encoded).value() == text);
    RC_ASSERT(nlohmann::json::parse(encoded).get<std::string>() == text);
  }
}

}  // namespace
