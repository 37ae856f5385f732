// Patterns: the routes that NestJS makes of them, line by line of the golden vectors, and waybill's own wildcards.
#include "waybill/pattern.hpp"

#include "pattern/pattern_route.hpp"
#include "service/collation.hpp"
#include "vectors.hpp"
#include "waybill/error.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace waybill {
namespace {

int sign(int number) { return (number > 0) - (number < 0); }

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), errc::invalid_config);
    return error.what();
  }
  return "nothing was thrown";
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(PatternVectors, RouteOfEveryLine) {
  const auto lines = test::vectors("pattern_route.jsonl");
  ASSERT_GT(lines.size(), 70u);
  for (const auto& line : lines) {
    const auto json = line.at("pattern_json").get<std::string>();
    std::string route;
    if (line.contains("route")) {
      detail::route_of_json(json, route);
      EXPECT_EQ(route, line.at("route").get<std::string>()) << line.at("name");
      EXPECT_EQ(Pattern::from_json(json).route(), line.at("route").get<std::string>()) << line.at("name");
    } else {
      EXPECT_EQ(detail::route_of_json(json, route), detail::RouteKind::none) << line.at("name");
      EXPECT_THROW(Pattern::from_json(json), Error) << line.at("name");
    }
  }
}

TEST(PatternVectors, LookupOfEveryLine) {
  const auto lines = test::vectors("pattern_lookup.jsonl");
  ASSERT_GT(lines.size(), 30u);
  for (const auto& line : lines) {
    if (line.at("pattern_absent").get<bool>()) continue;  // then there is no term to look up
    const auto json = line.at("packet_pattern_json").get<std::string>();
    std::string content;
    format::JsonReader reader(json);
    const bool is_text = reader.peek() == '"';
    ASSERT_TRUE(!is_text || reader.read_string(content)) << line.at("name");
    std::string route;
    const bool found = lookup_route(is_text ? Term{content, false} : Term{json, true}, route);
    EXPECT_EQ(found, line.at("lookup_possible").get<bool>()) << line.at("name");
    if (found) {
      EXPECT_EQ(route, line.at("lookup_key").get<std::string>()) << line.at("name");
    }
  }
}

TEST(PatternVectors, CollationOfEveryLine) {
  const auto lines = test::vectors("collation_ascii.jsonl");
  ASSERT_GT(lines.size(), 80u);
  const auto groups = lines.front().at("primary_groups").get<std::vector<std::string>>();
  for (std::size_t i = 1; i < groups.size(); ++i) {
    EXPECT_LT(detail::collate(groups[i - 1].substr(0, 1), groups[i].substr(0, 1)), 0) << groups[i];
  }
  for (const auto& code : lines.front().at("ignorable_codes")) {
    EXPECT_EQ(detail::collate(std::string(1, static_cast<char>(code.get<int>())), ""), 0) << code;
  }
  for (const auto& line : lines) {
    if (!line.contains("sign")) continue;
    const auto a = line.at("a").get<std::string>();
    const auto b = line.at("b").get<std::string>();
    EXPECT_EQ(sign(detail::collate(a, b)), line.at("sign").get<int>()) << line.at("name");
    EXPECT_EQ(sign(detail::collate(b, a)), -line.at("sign").get<int>()) << line.at("name");
  }
}

TEST(Pattern, ObjectsGoOnTheWireAsGivenAndAreRoutedSorted) {
  const Pattern pattern({"cmd", "sum"}, {"b", 1}, {"a", true}, {"half", 0.5});
  EXPECT_EQ(pattern.term().text, R"({"cmd":"sum","b":1,"a":true,"half":0.5})");
  EXPECT_TRUE(pattern.term().is_json);
  EXPECT_EQ(pattern.route(), R"({"a":true,"b":1,"cmd":"sum","half":0.5})");
  EXPECT_EQ(Pattern({"cmd", "sum"}).route(), R"({"cmd":"sum"})");
  EXPECT_EQ(Pattern({"b", 2}, {"a", 1}), Pattern({"a", 1}, {"b", 2}));
}

std::string route_of(const Pattern& pattern) { return pattern.route(); }

TEST(Pattern, EverySpellingOfAnArgumentMeansWhatItLooksLike) {
  EXPECT_EQ(route_of("sum"), "sum");
  EXPECT_EQ(route_of(std::string("sum")), "sum");
  EXPECT_EQ(route_of(std::string_view("sum")), "sum");
  EXPECT_EQ(route_of(7), "7");
  EXPECT_EQ(route_of({{"cmd", "sum"}}), R"({"cmd":"sum"})");
  EXPECT_EQ(route_of({{"cmd", 1}}), R"({"cmd":1})");
  EXPECT_EQ(route_of({{"a", 1}, {"b", std::string("x")}}), R"({"a":1,"b":"x"})");
  EXPECT_EQ(route_of({{"a", 1}, {"b", 2.5}, {"c", false}, {"d", "x"}}), R"({"a":1,"b":2.5,"c":false,"d":"x"})");
}

TEST(Pattern, OneEntryIsRoutedAsItsJsonWouldBe) {
  for (const char* text : {"sum", "q\"uo\\te", "a\nb", "\x01", "주문", ""}) {
    const Pattern pattern({"cmd", text});
    EXPECT_EQ(pattern.route(), Pattern::from_json(pattern.term().text).route()) << text;
    EXPECT_EQ(pattern.term().text, Pattern::from_json(pattern.term().text).term().text) << text;
  }
  EXPECT_EQ(Pattern({"cmd", "a\nb"}).route(), "{\"cmd\":\"a\nb\"}");
}

TEST(Pattern, IntegerKeysComeFirstOnTheWireAsInJavaScript) {
  EXPECT_EQ(Pattern({"x", 1}, {"10", 2}, {"9", 3}).term().text, R"({"9":3,"10":2,"x":1})");
}

TEST(Pattern, NumbersAreWrittenAsJavaScriptWritesThem) {
  EXPECT_EQ(Pattern(42).route(), "42");
  EXPECT_TRUE(Pattern(42).term().is_json);
  EXPECT_EQ(Pattern(1e21).route(), "1e+21");
  EXPECT_EQ(Pattern(-0.0).route(), "0");
  EXPECT_EQ(Pattern(std::numeric_limits<std::uint64_t>::max()).route(), "18446744073709552000");
  EXPECT_EQ(Pattern(std::numeric_limits<std::int64_t>::min()).route(), "-9223372036854776000");
  EXPECT_EQ(Pattern::from_json("5e-324").route(), "5e-324");
  EXPECT_EQ(Pattern::from_json("1e-400").route(), "0");
  EXPECT_EQ(Pattern::from_json("0." + std::string(400, '0') + "1e401").route(), "1");
  EXPECT_NE(message_of([] { Pattern pattern(std::numeric_limits<double>::infinity()); }).find("finite"),
            std::string::npos);
}

TEST(Pattern, TextsKeepTheirContent) {
  EXPECT_EQ(Pattern("1.0").route(), "1.0");
  EXPECT_FALSE(Pattern("sum").term().is_json);
  EXPECT_EQ(Pattern::from_json(R"("text")").term().text, "text");
  EXPECT_EQ(Pattern::from_json(R"("\ud83d")").route(), "\xEF\xBF\xBD");
  EXPECT_EQ(Pattern::from_json(R"("\ud83d\ude00")").route(), "😀");
  EXPECT_NE(message_of([] { Pattern pattern("\xFF"); }).find("UTF-8"), std::string::npos);
}

TEST(Pattern, MistakesInJsonSayWhereTheyAre) {
  EXPECT_NE(message_of([] { Pattern::from_json(R"({"a":})"); }).find("character 6"), std::string::npos);
  for (const char* text : {"", "{", "{\"a\"}", "[1,]", "01", "1.", ".5", "+1", "tru", "\"a", "\"\n\"", "\"\\x\"",
                           "\"\\u12g4\"", "{} x", "NaN", "\xEF\xBB\xBF{}", "{\"a\":1,}", "nul\0l"}) {
    EXPECT_THROW(Pattern::from_json(text), Error) << text;
  }
}

TEST(Pattern, WildcardsAreWholeWords) {
  for (const char* text : {"*", "**", "order.*", "*.created", "order.**", "a.*.b"}) {
    EXPECT_TRUE(Pattern(text).is_wildcard()) << text;
  }
  for (const char* text : {"", "order", "order*", "*x.y", "a.***", "a.b#"})
    EXPECT_FALSE(Pattern(text).is_wildcard()) << text;
  EXPECT_FALSE(Pattern({"a", "*"}).is_wildcard());
  EXPECT_NE(message_of([] { Pattern pattern("a.**.b"); }).find("last word"), std::string::npos);
  const Pattern glob = native("order.*");
  EXPECT_TRUE(glob.is_native());
  EXPECT_FALSE(glob.is_wildcard());
  EXPECT_EQ(glob.route(), "order.*");
}

TEST(Pattern, WildcardsMatchWords) {
  EXPECT_TRUE(matches("order.*", "order.created"));
  EXPECT_TRUE(matches("*.created", "order.created"));
  EXPECT_TRUE(matches("a.*.c", "a.b.c"));
  EXPECT_TRUE(matches("order.**", "order.created"));
  EXPECT_TRUE(matches("order.**", "order.created.v1.eu"));
  EXPECT_TRUE(matches("**", "a"));
  EXPECT_TRUE(matches("**", "a.b"));
  EXPECT_TRUE(matches("a.b", "a.b"));
  EXPECT_FALSE(matches("order.*", "order"));
  EXPECT_FALSE(matches("order.*", "order."));
  EXPECT_FALSE(matches("order.*", "order.created.v1"));
  EXPECT_FALSE(matches("order.**", "order"));
  EXPECT_FALSE(matches("order.**", "order."));
  EXPECT_FALSE(matches("order.**", "order.a..b"));
  EXPECT_FALSE(matches("**", ""));
  EXPECT_FALSE(matches("*", ""));
  EXPECT_FALSE(matches("a", "b"));
  EXPECT_FALSE(matches("a.**.c", "a.b.c"));
}

TEST(Pattern, LookupParsesTextAsJsonIfItCan) {
  std::string route;
  EXPECT_TRUE(lookup_route({"{\"b\":1,\"a\":2}", false}, route));
  EXPECT_EQ(route, R"({"a":2,"b":1})");
  EXPECT_TRUE(lookup_route({"{\"b\":1,", false}, route));
  EXPECT_EQ(route, "{\"b\":1,");
  EXPECT_FALSE(lookup_route({" true ", false}, route));
  EXPECT_FALSE(lookup_route({"{", true}, route));
  EXPECT_TRUE(lookup_route({R"("1.0")", true}, route));
  EXPECT_EQ(route, "1");
}

/// Whatever comes is read once, from front to back: depth costs no stack and keys cost no search.
TEST(Pattern, HostileTextsAreHandledInOnePass) {
  std::string route;
  const std::size_t depth = 30'000;
  EXPECT_TRUE(lookup_route({repeated("[", depth) + repeated("]", depth), true}, route));
  EXPECT_EQ(route, R"({"0":{"0":{"0":{"0":{"0":{"0":[MAX_DEPTH_REACHED]}}}}}})");
  EXPECT_TRUE(lookup_route({repeated("{\"a\":", 10'000) + "1" + repeated("}", 10'000), true}, route));
  EXPECT_FALSE(lookup_route({repeated("[", 60'000), true}, route));
  EXPECT_FALSE(lookup_route({repeated("[", 1'000'000), true}, route));

  std::string keys = "{";
  for (int i = 0; i < 6'000; ++i) keys += (i ? ",\"" : "\"") + std::to_string(i) + "\":1";
  keys += "}";
  EXPECT_TRUE(lookup_route({keys, true}, route));
  EXPECT_EQ(route, "[TOO_MANY_KEYS]");
  EXPECT_EQ(Pattern::from_json(keys).route(), "[TOO_MANY_KEYS]");

  EXPECT_THROW(Pattern::from_json(repeated("[", 129) + repeated("]", 129)), Error);
  EXPECT_NO_THROW(Pattern::from_json(repeated("[", 128) + repeated("]", 128)));
  EXPECT_THROW(Pattern::from_json('"' + std::string(64 << 10, 'a') + '"'), Error);
}

/// Any JSON value of a few levels, as text.
std::string any_json(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0: return "null";
    case 1: return *rc::gen::arbitrary<bool>() ? "true" : "false";
    case 2: return nlohmann::json(*rc::gen::arbitrary<int>()).dump();
    case 3: {
      const double number = *rc::gen::arbitrary<double>();
      return nlohmann::json(number).dump();
    }
    case 4: {
      std::string quoted;
      format::append_quoted(*rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)), quoted);
      return quoted;
    }
    default: break;
  }
  const bool is_object = *rc::gen::arbitrary<bool>();
  std::string text = is_object ? "{" : "[";
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
    if (is_object) {
      format::append_quoted(*rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)), text);
      text += ':';
    }
    text += any_json(depth - 1) + (i > 1 ? "," : "");
  }
  return text + (is_object ? '}' : ']');
}

TEST(PatternProperty, RouteIsTheSameForEverySpellingOfAValue) {
  EXPECT_TRUE(rc::check("the route of the compacted text is the route", [] {
    const std::string json = any_json(3);
    std::string compacted;
    std::size_t mistake_at = 0;
    RC_ASSERT(format::compact_json(json, 16, compacted, mistake_at));
    std::string route;
    std::string again;
    RC_ASSERT(detail::route_of_json(json, route) == detail::route_of_json(compacted, again));
    RC_ASSERT(route == again);
    std::string twice;
    RC_ASSERT(format::compact_json(compacted, 16, twice, mistake_at));
    RC_ASSERT(twice == compacted);
  }));
}

TEST(PatternProperty, RouteOfAJsonRouteIsItself) {
  EXPECT_TRUE(rc::check("normalizing twice changes nothing", [] {
    const std::string json = any_json(3);
    std::string route;
    std::string again;
    if (detail::route_of_json(json, route) != detail::RouteKind::other) return;
    // Raw control characters are no JSON any more; all other routes are.
    if (detail::route_of_json(route, again) == detail::RouteKind::not_json) return;
    RC_ASSERT(route == again);
  }));
}

TEST(PatternProperty, TheWireFormFindsTheHandler) {
  EXPECT_TRUE(rc::check("what from_json sends is looked up as its own route", [] {
    const std::string json = any_json(3);
    std::string route;
    if (detail::route_of_json(json, route) != detail::RouteKind::other) return;
    const Pattern pattern = Pattern::from_json(json);
    std::string found;
    RC_ASSERT(lookup_route(pattern.term(), found));
    RC_ASSERT(found == pattern.route());
    RC_ASSERT(pattern.route() == route);
  }));
}

TEST(PatternProperty, AnyTextCanBeLookedUp) {
  EXPECT_TRUE(rc::check("bytes never harm", [](const std::string& bytes) {
    std::string route;
    lookup_route({bytes, false}, route);
    lookup_route({bytes, true}, route);
    RC_ASSERT(detail::collate(bytes, bytes) == 0);
    matches(bytes, bytes);
  }));
}

TEST(PatternProperty, CollationIsAnOrder) {
  EXPECT_TRUE(rc::check("swapping turns the sign", [](const std::string& a, const std::string& b) {
    RC_ASSERT(sign(detail::collate(a, b)) == -sign(detail::collate(b, a)));
  }));
  EXPECT_TRUE(rc::check("it is transitive", [](std::string a, std::string b, std::string c) {
    if (detail::collate(a, b) > 0) std::swap(a, b);
    if (detail::collate(b, c) > 0) std::swap(b, c);
    if (detail::collate(a, b) > 0) std::swap(a, b);
    RC_ASSERT(detail::collate(a, c) <= 0);
  }));
}

TEST(JsonText, CompactsAsJavaScriptDoes) {
  const auto compact = [](std::string_view text) {
    std::string out;
    std::size_t mistake_at = 0;
    return format::compact_json(text, 8, out, mistake_at) ? out : "mistake at " + std::to_string(mistake_at);
  };
  EXPECT_EQ(compact(" { \"b\" : [ 1.0 , -0 , 1e3 ] , \"a\" : null } "), R"({"b":[1,0,1000],"a":null})");
  EXPECT_EQ(compact(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
  EXPECT_EQ(compact(R"({"b":0,"2":0,"01":0,"1":0,"4294967295":0})"), R"({"1":0,"2":0,"b":0,"01":0,"4294967295":0})");
  std::string many = R"({"a":0)";
  for (int i = 0; i < 40; ++i) many += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_EQ(compact(many + R"(,"k39":"x","a":"y"})"), "{\"a\":\"y\"" + many.substr(6, many.rfind(':') - 5) + "\"x\"}");
  EXPECT_EQ(compact(R"("\u0001\n\/\u007f")"), "\"\\u0001\\n/\x7F\"");
  EXPECT_EQ(compact("1e400"), "null");
  EXPECT_EQ(compact("[[],{},[[]]]"), "[[],{},[[]]]");
  EXPECT_EQ(compact("[1,]"), "mistake at 3");
}

TEST(JsonText, ReadsUtf8Strictly) {
  for (const char* text : {"", "abc", "é", "한글", "😀", "\xF4\x8F\xBF\xBF"}) EXPECT_TRUE(format::is_utf8(text)) << text;
  for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xFF"}) {
    EXPECT_FALSE(format::is_utf8(text));
  }
}

}  // namespace
}  // namespace waybill
