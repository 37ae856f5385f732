// What decoding does with values that mean harm or that no one expected, the same in each format.
#include "waybill/adapt/nlohmann.hpp"
#include "waybill/detail/fields_time.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/serializers/msgpack.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <map>
#include <unordered_map>

namespace {

using namespace std::chrono_literals;
using waybill::Buffer;
using waybill::Direction;
using waybill::errc;
using waybill::Packet;
using waybill::Slice;
using waybill::ValueOut;
using waybill::ValueRef;

const waybill::Serializer& json() {
  static const auto made = waybill::json::make_json_serializer();
  return *made;
}
const waybill::Serializer& msgpack() {
  static const auto made = waybill::msgpack::make_msgpack_serializer();
  return *made;
}

/// Decodes a JSON text, or the same value in MessagePack.
template <class T>
waybill::Result<T> decode(const std::string& text, const waybill::Serializer& serializer = json()) {
  Slice bytes = Slice::copy(text);
  if (!serializer.is_json()) {
    const auto packed = nlohmann::json::to_msgpack(nlohmann::json::parse(text));
    bytes = Slice::copy({reinterpret_cast<const char*>(packed.data()), packed.size()});
  }
  T value{};
  if (auto result = serializer.decode(bytes, ValueOut::of(value)); !result) return result.error();
  return value;
}

template <class T>
waybill::Result<T> decode_bytes(std::string_view bytes) {
  T value{};
  const Slice slice = Slice::copy(bytes);
  if (auto result = msgpack().decode(slice, ValueOut::of(value)); !result) return result.error();
  return value;
}

template <class T>
std::string encode(const T& value) {
  Buffer out;
  const auto result = json().encode(ValueRef::of(value), out);
  return result ? std::string(out.view()) : std::string("error: ") + result.error().what();
}

class EachFormat : public testing::TestWithParam<const char*> {
 protected:
  const waybill::Serializer& serializer() const { return GetParam() == std::string("json") ? json() : msgpack(); }
};
INSTANTIATE_TEST_SUITE_P(Formats, EachFormat, testing::Values("json", "msgpack"),
                         [](const auto& format) { return std::string(format.param); });

// --- variants

struct Expression;
struct Negative {
  std::vector<Expression> of;
  int weight = 0;
};
struct Inverse {
  std::vector<Expression> of;
  std::string name;
};
struct Expression {
  std::variant<Negative, Inverse, int> node;
};

/// `depth` levels that fit both alternatives up to their last member; what is innermost fits none.
std::string expression(int depth, const std::string& innermost, const std::string& last) {
  std::string text = innermost;
  for (int i = 0; i < depth; ++i) text = R"({"node":{"of":[)" + text + "]," + last + "}}";
  return text;
}

/// Told apart by the value of a member that stands at the end.
struct Shape;
enum class FrameType { frame };
enum class GroupType { group };
struct Frame {
  std::vector<Shape> parts;
  FrameType type = FrameType::frame;
};
struct Group {
  std::vector<Shape> parts;
  GroupType type = GroupType::group;
};
struct Shape {
  std::variant<Frame, Group> node;
};
std::string shape(int depth, const std::string& type) {
  std::string text;
  for (int i = 0; i < depth; ++i) text = R"({"node":{"parts":[)" + text + R"(],"type":")" + type + R"("}})";
  return text;
}

TEST_P(EachFormat, AnExpressionOfSixtyLevelsIsReadOrRefusedAtOnce) {
  // Each level is wrong only in its last member: without a bound 2^60 attempts.
  const auto wrong = decode<Expression>(expression(30, R"({"node":true})", R"("weight":0,"name":"x")"), serializer());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), errc::payload_mismatch) << wrong.error().what();
  // The second alternative at each level.
  const auto right = decode<Expression>(expression(6, R"({"node":1})", R"("name":"x")"), serializer());
  ASSERT_TRUE(right) << right.error().what();
}

TEST_P(EachFormat, VariantsThatTheirMembersTellApartAreReadAtAnyDepth) {
  const auto second = decode<Expression>(expression(30, R"({"node":1})", R"("name":"x")"), serializer());
  ASSERT_TRUE(second) << second.error().what();
  EXPECT_TRUE(std::holds_alternative<Inverse>(second->node));
  const auto typed = decode<Shape>(shape(30, "group"), serializer());
  ASSERT_TRUE(typed) << typed.error().what();
  EXPECT_TRUE(std::holds_alternative<Group>(typed->node));
  EXPECT_FALSE(decode<Shape>(shape(30, "circle"), serializer()));
}

TEST_P(EachFormat, DeepAndWideVariantsThatFitAtOnceAreNotRefused) {
  const std::string padding(20'000, 'x');
  const auto deep =
      decode<Expression>(expression(20, R"({"node":1})", R"("weight":0,"ignored":")" + padding + '"'), serializer());
  EXPECT_TRUE(deep) << deep.error().what();
  std::string wide = "[1";
  for (int i = 0; i < 100'000; ++i) wide += R"(,"text")";
  EXPECT_TRUE((decode<std::vector<std::variant<int, bool, std::string>>>(wide + ']', serializer())));
}

// --- times

TEST_P(EachFormat, ATimeThatTheTypeCannotHoldIsAnError) {
  using Nanoseconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
  for (const char* never : {R"("9999-12-31T23:59:59Z")", R"("1500-01-01")", R"("2262-04-11T23:47:16.855Z")"}) {
    const auto read = decode<Nanoseconds>(never, serializer());
    ASSERT_FALSE(read) << never;
    EXPECT_EQ(read.error().code(), errc::payload_mismatch);
    EXPECT_EQ(read.error().what(),
              "payload: expected a time from 1677-09-21T00:12:43.146Z to 2262-04-11T23:47:16.854Z, found " +
                  std::string(never));
  }
  EXPECT_TRUE(decode<Nanoseconds>(R"("2262-04-11T23:47:16.854Z")", serializer()));
  EXPECT_TRUE(decode<Nanoseconds>(R"("1677-09-21T00:12:43.146Z")", serializer()));
  using Seconds = std::chrono::sys_seconds;
  EXPECT_EQ(decode<Seconds>(R"("9999-12-31T23:59:59Z")", serializer()).value().time_since_epoch(), 253402300799s);
  EXPECT_EQ(decode<Seconds>(R"("1969-12-31T23:59:59.5Z")", serializer()).value().time_since_epoch(), -1s);
  using Small = std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<std::int32_t>>;
  EXPECT_FALSE(decode<Small>(R"("2040-01-01")", serializer()));
  EXPECT_EQ(decode<Small>(R"("2038-01-19T03:14:07Z")", serializer()).value().time_since_epoch().count(), INT32_MAX);
}

TEST(Times, ThatNoDateHoldsCannotBeSent) {
  EXPECT_EQ(encode(std::chrono::sys_days::max()), "error: payload: the time is outside the years that a Date holds");
  EXPECT_EQ(encode(std::chrono::sys_seconds::min()), "error: payload: the time is outside the years that a Date holds");
  using Floating = std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<double>>;
  EXPECT_EQ(encode(Floating(std::chrono::duration<double>(std::nan("")))),
            "error: payload: the time is outside the years that a Date holds");
  EXPECT_EQ(encode(Floating(std::chrono::duration<double>(1.5))), R"("1970-01-01T00:00:01.500Z")");
  EXPECT_EQ(encode(std::chrono::sys_seconds(-1s)), R"("1969-12-31T23:59:59.000Z")");
}

TEST(Times, MessagePackTimestampsAreRead) {
  using Time = std::chrono::system_clock::time_point;
  using namespace std::string_view_literals;
  EXPECT_EQ(decode_bytes<Time>("\xd6\xff\x00\x00\x00\x02"sv).value().time_since_epoch(), 2s);
  EXPECT_EQ(decode_bytes<Time>("\xd7\xff\x1d\xcd\x65\x00\x00\x00\x00\x02"sv).value().time_since_epoch(), 2125ms);
  EXPECT_EQ(
      decode_bytes<Time>("\xc7\x0c\xff\x1d\xcd\x65\x00\xff\xff\xff\xff\xff\xff\xff\xff"sv).value().time_since_epoch(),
      -500ms);
  // Whoever takes any value gets the text that JSON would have.
  EXPECT_EQ(decode_bytes<std::string>("\xd6\xff\x00\x00\x00\x02"sv).value(), "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(decode_bytes<nlohmann::json>("\x81\xa1t\xd6\xff\x00\x00\x00\x02"sv).value().dump(),
            R"({"t":"1970-01-01T00:00:02.000Z"})");
  EXPECT_FALSE(decode_bytes<Time>("\xd6\x01\x00\x00\x00\x02"sv));                                      // another type
  EXPECT_FALSE(decode_bytes<Time>("\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x02"sv));                      // nanoseconds
  EXPECT_FALSE(decode_bytes<Time>("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"sv));  // the year
  EXPECT_FALSE(decode_bytes<Time>("\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x0f\xff\xff\xff\xff"sv));  // the year
  EXPECT_FALSE(decode_bytes<Time>("\xc7\x0c\xff\x00"sv));                                              // cut off
}

// --- names that are there twice

struct Inner {
  int x = 0;
  std::optional<int> y;
  bool operator==(const Inner&) const = default;
};
struct Outer {
  Inner a{5, 6};
  std::pair<Inner, int> b;
  std::array<Inner, 1> c;
  std::vector<int> d;
  nlohmann::json e;
};
class Described {
 public:
  Inner inner{1, 2};
  WAYBILL_FIELDS(Described, inner)
};
struct FromStranger {
  std::optional<int> p, q;
  std::optional<Inner> inner;
  Inner last;
};

TEST(Twice, TheLastOfEqualNamesWinsWithAllThatIsInIt) {
  const auto outer = decode<Outer>(R"({"a":{"x":1,"y":2},"b":[{"x":1,"y":2},3],"c":[{"x":1,"y":2}],"d":[1],"e":{"k":1},
                                       "a":{"x":3},"b":[{"x":4},5],"c":[{"x":6}],"d":[2],"e":{"l":1}})");
  ASSERT_TRUE(outer) << outer.error().what();
  EXPECT_EQ(outer->a, (Inner{3, 6}));  // what the type itself says of y
  EXPECT_EQ(outer->b.first, (Inner{4, std::nullopt}));
  EXPECT_EQ(outer->c[0], (Inner{6, std::nullopt}));
  EXPECT_EQ(outer->d, std::vector<int>{2});
  EXPECT_EQ(outer->e.dump(), R"({"l":1})");
  EXPECT_EQ(decode<Described>(R"({"inner":{"x":7,"y":8},"inner":{"x":9}})")->inner, (Inner{9, 2}));
  // In any order, and with names that were skipped between.
  const auto stranger = decode<FromStranger>(
      R"({"last":{"x":1,"y":1},"q":1,"inner":{"x":1,"y":2},"p":4,"last":{"x":2},"inner":{"x":3},"q":null})");
  ASSERT_TRUE(stranger) << stranger.error().what();
  EXPECT_EQ(stranger->last, (Inner{2, std::nullopt}));
  EXPECT_EQ(stranger->inner, (Inner{3, std::nullopt}));
  EXPECT_FALSE(stranger->q);
}

// --- numbers

TEST_P(EachFormat, ANumberThatAFloatCannotHoldIsAnError) {
  EXPECT_EQ(decode<float>("1e300", serializer()).error().what(),
            std::string("payload: expected a number that a float holds, found 1e+300"));
  EXPECT_FALSE(decode<std::vector<float>>("[1.5,-1e39]", serializer()));
  EXPECT_EQ(decode<float>("3.4028234e38", serializer()).value(), 3.4028234e38f);
  EXPECT_EQ(decode<float>("1e-300", serializer()).value(), 0.0f);
}

// --- memory

struct Large {
  std::optional<std::array<double, 128>> numbers;
};
struct Held {
  std::unique_ptr<Large> large;
};

TEST_P(EachFormat, AFewBytesAnItemDoNotBecomeGigabytes) {
  const auto list_of = [](const std::string& item, int count) {
    std::string text = "[" + item;
    for (int i = 1; i < count; ++i) text += ',' + item;
    return text + ']';
  };
  const auto refused = decode<std::vector<Large>>(list_of("{}", 135'000), serializer());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::payload_mismatch);
  EXPECT_EQ(refused.error().what(), std::string("payload: its items would take more than 128 MiB of memory"));
  EXPECT_FALSE(decode<std::vector<Held>>(list_of(R"({"large":{}})", 135'000), serializer()));
  EXPECT_TRUE(decode<std::vector<Large>>(list_of("{}", 10'000), serializer()));
  EXPECT_TRUE(decode<std::vector<double>>(list_of("1", 200'000), serializer()));
}

TEST(Memory, ManySmallValuesOfAnyShapeAreBounded) {
  std::string text = "[{}";
  for (int i = 0; i < 1'800'000; ++i) text += ",{}";
  EXPECT_EQ(decode<nlohmann::json>(text + ']').error().code(), errc::payload_mismatch);
  std::string map = R"({"0":{})";
  for (int i = 1; i < 130'000; ++i) map += ",\"" + std::to_string(i) + "\":{}";
  EXPECT_FALSE((decode<std::map<int, Large>>(map + '}')));
  EXPECT_TRUE((decode<std::unordered_map<std::string, Inner>>(R"({"a":{"x":1}})")));
}

// --- packets

TEST_P(EachFormat, APacketKeepsItsPatternAndIdWhileOthersAreParsed) {
  // Neither stands in the bytes as waybill shows it: escapes in JSON, an object in MessagePack.
  const auto bytes_of = [&](const char* name) {
    nlohmann::json packet = {{"data", 1}};
    if (serializer().is_json()) {
      packet["pattern"] = std::string(name) + "\n";
      packet["id"] = std::string(name) + "\t";
    } else {
      packet["pattern"] = {{"cmd", name}};
      packet["id"] = {{"id", name}};
    }
    if (serializer().is_json()) return Slice::copy(packet.dump());
    const auto packed = nlohmann::json::to_msgpack(packet);
    return Slice::copy({reinterpret_cast<const char*>(packed.data()), packed.size()});
  };
  const Slice first = bytes_of("first");
  const Slice second = bytes_of("second");
  Packet outer;
  serializer().parse(first, Direction::to_service, outer).value();
  const std::string pattern(outer.pattern.text);
  const std::string id(outer.id.text);
  {
    Packet inner;
    serializer().parse(second, Direction::to_service, inner).value();
    EXPECT_NE(inner.id.text, id);
    EXPECT_EQ(outer.pattern.text, pattern);
    EXPECT_EQ(outer.id.text, id);
  }
  const Packet copy = outer;
  outer = Packet();
  serializer().parse(second, Direction::to_service, outer).value();
  EXPECT_EQ(copy.pattern.text, pattern);
  EXPECT_EQ(copy.id.text, id);
}

TEST(Packets, BytesThatAreNoUtf8StayWhileOthersAreParsed) {
  const Slice broken =
      Slice::copy("{\"pattern\":\"a\xff\",\"data\":\"x\xff\",\"id\":\"1\xff\",\"metadata\":{\"m\":\"\xff\"}}");
  const Slice other = Slice::copy("{\"pattern\":\"b\xff\",\"data\":\"yyyyyyyyyyyyyyyyyyyyyyyy\xff\",\"id\":\"2\xff\"}");
  Packet packet;
  json().parse(broken, Direction::to_service, packet).value();
  Packet another;
  json().parse(other, Direction::to_service, another).value();
  EXPECT_EQ(packet.pattern.text, "a\xEF\xBF\xBD");
  EXPECT_EQ(packet.id.text, "1\xEF\xBF\xBD");
  EXPECT_EQ(packet.payload.view(), "\"x\xEF\xBF\xBD\"");
  EXPECT_EQ(packet.metadata.view(), "{\"m\":\"\xEF\xBF\xBD\"}");
}

}  // namespace
