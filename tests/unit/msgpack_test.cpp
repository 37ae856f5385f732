// Payloads and packets in MessagePack.
#include "waybill/serializers/msgpack.hpp"

#include "serializer_types.hpp"
#include "waybill/adapt/msgpack.hpp"
#include "waybill/adapt/nlohmann.hpp"
#include "waybill/serializers/json.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace {

using namespace serializer_test;
using waybill::Buffer;
using waybill::Direction;
using waybill::errc;
using waybill::Packet;
using waybill::PacketKind;
using waybill::Slice;
using waybill::ValueOut;
using waybill::ValueRef;

struct Packed {
  int number = 0;
  std::string text;
  std::vector<double> list;
  MSGPACK_DEFINE_MAP(number, text, list)
};

const waybill::Serializer& serializer() {
  static const auto made = waybill::msgpack::make_msgpack_serializer();
  return *made;
}
const waybill::Serializer& json() {
  static const auto made = waybill::json::make_json_serializer();
  return *made;
}

template <class T>
std::string encode(const T& value) {
  Buffer out;
  const auto result = serializer().encode(ValueRef::of(value), out);
  return result ? std::string(out.view()) : std::string("error: ") + result.error().what();
}

template <class T>
waybill::Result<T> decode(std::string_view bytes) {
  T value{};
  const Slice slice = Slice::copy(bytes);
  if (auto result = serializer().decode(slice, ValueOut::of(value)); !result) return result.error();
  return value;
}

/// What other encoders would write for a JSON text.
std::string from_json(const char* text) {
  const auto bytes = nlohmann::json::to_msgpack(nlohmann::json::parse(text));
  return {bytes.begin(), bytes.end()};
}
nlohmann::json to_json(std::string_view bytes) { return nlohmann::json::from_msgpack(bytes.begin(), bytes.end()); }

TEST(Msgpack, EveryKindSurvivesARoundTrip) {
  const Everything before = everything();
  const std::string bytes = encode(before);
  const auto after = decode<Everything>(bytes);
  ASSERT_TRUE(after) << after.error().what();
  EXPECT_EQ(*after, before);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode<Everything>(bytes.substr(0, size)));
  EXPECT_EQ(decode<Everything>(bytes + '\0').error().code(), errc::payload_malformed);
}

TEST(Msgpack, OtherEncodersAreUnderstood) {
  const auto order = decode<Order>(from_json(R"({"items":[{"quantity":70000,"sku":"x","new":{"a":[1]}}],"id":"i"})"));
  ASSERT_TRUE(order) << order.error().what();
  EXPECT_EQ(order->items.at(0).quantity, 70000);
  EXPECT_EQ(to_json(encode(*order))["items"][0]["quantity"], 70000);
}

TEST(Msgpack, NumbersOfAnyWidthAndLimits) {
  EXPECT_EQ(decode<std::uint64_t>("\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").value(), UINT64_MAX);
  EXPECT_EQ(decode<std::int64_t>(std::string("\xD3\x80\0\0\0\0\0\0\0", 9)).value(), INT64_MIN);
  EXPECT_EQ(decode<int>(std::string("\xCB\x41\xF0\0\0\0\0\0\0", 9)).error().code(), errc::payload_mismatch);  // 2^32
  EXPECT_EQ(decode<std::int64_t>(std::string("\xCB\x41\xF0\0\0\0\0\0\0", 9)).value(), std::int64_t{1} << 32);
  EXPECT_FALSE(decode<int>(std::string("\xCB\x3F\xE0\0\0\0\0\0\0", 9)));  // 0.5
  EXPECT_EQ(decode<double>("\x07").value(), 7);
  EXPECT_FALSE(decode<std::uint8_t>("\xFF"));
  EXPECT_TRUE(std::isnan(decode<double>(encode(std::nan(""))).value()));
}

TEST(Msgpack, MistakesHaveAPath) {
  EXPECT_STREQ(decode<Order>(from_json(R"({"id":"x","items":[{"sku":"a","quantity":"two"}]})")).error().what(),
               "order.items[0].quantity: expected an integer, found \"two\"");
  EXPECT_EQ(encode(std::string("\xFF")),
            "error: payload: the text is not valid UTF-8: send bytes as std::vector<std::byte>");
  EXPECT_EQ(decode<std::string>("\xA1\xFF").error().code(), errc::payload_malformed);
  EXPECT_EQ(decode<int>("\xC1").error().code(), errc::payload_malformed);
  EXPECT_EQ(decode<int>("\xD4\x01\x02").error().code(), errc::payload_mismatch);
}

TEST(Msgpack, DepthAndCountsAreBounded) {
  EXPECT_EQ(decode<nlohmann::json>(std::string(127, '\x91') + "\x01").value().size(), 1u);
  EXPECT_EQ(decode<nlohmann::json>(std::string(200, '\x91') + "\x01").error().code(), errc::payload_mismatch);
  EXPECT_EQ(decode<waybill::Payload>(std::string(100'000, '\x91')).error().code(), errc::payload_mismatch);
  EXPECT_FALSE(decode<std::vector<int>>("\xDD\xFF\xFF\xFF\xFF\x01"));  // four billion items, one there
  EXPECT_FALSE(decode<std::string>("\xDB\xFF\xFF\xFF\xFFx"));
}

TEST(Msgpack, VariantsAndPayloads) {
  using V = std::variant<int, std::string, Item>;
  EXPECT_EQ(std::get<Item>(decode<std::vector<V>>(from_json(R"([1,{"sku":"s","quantity":2}])")).value()[1]),
            (Item{"s", 2}));
  const auto payload = decode<waybill::Payload>(from_json("[1,2]")).value();
  EXPECT_EQ(encode(payload), from_json("[1,2]"));
  Buffer out;
  EXPECT_EQ(json().encode(ValueRef::of(payload), out).error().code(), errc::payload_mismatch);
  EXPECT_EQ(payload.decode<std::vector<int>>(), (std::vector<int>{1, 2}));
}

TEST(Msgpack, AdaptedTypesGoThroughEveryFormat) {
  const Packed packed{3, "x", {1, 2.5}};
  EXPECT_EQ(to_json(encode(packed)), nlohmann::json::parse(R"({"number":3,"text":"x","list":[1.0,2.5]})"));
  EXPECT_EQ(decode<Packed>(encode(packed)).value().list, packed.list);
  const auto as_json = waybill::Payload::of(packed, json());
  EXPECT_EQ(as_json.bytes().view(), R"({"number":3,"text":"x","list":[1,2.5]})");
  EXPECT_EQ(as_json.decode<Packed>().text, "x");
  EXPECT_EQ(decode<Packed>(from_json("[1]")).error().code(), errc::payload_mismatch);
}

struct Numbered {
  std::map<int, std::string> names;
  std::map<std::uint64_t, std::map<int, int>> nested;
  std::map<std::string, int> counts;
  MSGPACK_DEFINE_MAP(names, nested, counts)
};
struct Odd {
  std::map<double, int> by_number;
  MSGPACK_DEFINE_MAP(by_number)
};
struct Texts {
  std::map<std::string, int> counts;
  MSGPACK_DEFINE_MAP(counts)
};

TEST(Msgpack, AdaptedMapsWithIntegersAsKeysGoThroughEveryFormat) {
  const Numbered numbered{{{1, "one"}, {-2, "two"}}, {{UINT64_MAX, {{3, 4}}}}, {{"a", 1}}};
  const auto as_json = waybill::Payload::of(numbered, json());
  EXPECT_EQ(as_json.bytes().view(),
            R"({"names":{"-2":"two","1":"one"},"nested":{"18446744073709551615":{"3":4}},"counts":{"a":1}})");
  for (const Numbered& back : {as_json.decode<Numbered>(), decode<Numbered>(encode(numbered)).value()}) {
    EXPECT_EQ(back.names, numbered.names);
    EXPECT_EQ(back.nested, numbered.nested);
    EXPECT_EQ(back.counts, numbered.counts);
  }
  // Digits are texts where texts are wanted.
  EXPECT_EQ(decode<Texts>(from_json(R"({"counts":{"7":1}})")).value().counts.at("7"), 1);
  EXPECT_EQ(encode(Odd{{{1.5, 1}}}), "error: payload: the keys of a map must be texts or integers");
}

Packet parsed(std::string_view bytes, Direction direction) {
  static Slice kept;
  kept = Slice::copy(bytes);
  Packet packet;
  serializer().parse(kept, direction, packet).value();
  return packet;
}

TEST(MsgpackPacket, IsTheSameMapAsInJson) {
  Packet packet;
  packet.kind = PacketKind::request;
  packet.has_pattern = true;
  packet.pattern = {R"({"cmd":"s\u00fcm","n":[1,-2,1.5,true,null]})", true};
  packet.id = {"7", true};
  packet.payload = Slice::copy(from_json("[1]"));
  packet.has_payload = true;
  packet.headers.set("h", "v");
  Buffer out;
  serializer().compose(packet, out);
  EXPECT_EQ(to_json(out.view()),
            nlohmann::json::parse(
                R"({"pattern":{"cmd":"s\u00fcm","n":[1,-2,1.5,true,null]},"data":[1],"metadata":{"h":"v"},"id":7})"));
  const Packet back = parsed(out.view(), Direction::to_service);
  EXPECT_EQ(back.kind, PacketKind::request);
  EXPECT_TRUE(back.pattern.is_json);
  EXPECT_EQ(back.pattern.text, "{\"cmd\":\"s\xC3\xBCm\",\"n\":[1,-2,1.5,true,null]}");
  EXPECT_EQ(back.id.text, "7");
  EXPECT_EQ(back.payload.view(), from_json("[1]"));
}

TEST(MsgpackPacket, RepliesAreClassifiedAsInJson) {
  EXPECT_EQ(parsed(from_json(R"({"isDisposed":true,"id":"i"})"), Direction::to_client).kind, PacketKind::end);
  EXPECT_EQ(parsed(from_json(R"({"err":"","isDisposed":true,"id":"i"})"), Direction::to_client).kind, PacketKind::end);
  EXPECT_EQ(parsed(from_json(R"({"err":{},"id":"i"})"), Direction::to_client).kind, PacketKind::error);
  EXPECT_TRUE(parsed(from_json(R"({"response":1,"extra":1,"id":"i"})"), Direction::to_client).last);
  EXPECT_FALSE(parsed(from_json(R"([1])"), Direction::to_service).has_pattern);
  for (const PacketKind kind : {PacketKind::value, PacketKind::error, PacketKind::end, PacketKind::no_handler}) {
    Packet packet;
    packet.kind = kind;
    packet.id = {"i", false};
    if (kind == PacketKind::value || kind == PacketKind::error) {
      packet.has_payload = true;
      packet.payload = Slice::copy("\x01");
    }
    Buffer out;
    serializer().compose(packet, out);
    const Packet back = parsed(out.view(), Direction::to_client);
    EXPECT_EQ(back.kind, kind);
    EXPECT_EQ(back.id.text, "i");
    for (std::size_t size = 0; size < out.size(); ++size) {
      Packet part;
      const Slice slice = Slice::copy(out.view().substr(0, size));
      EXPECT_FALSE(serializer().parse(slice, Direction::to_client, part)) << size;
    }
  }
}

RC_GTEST_PROP(MsgpackProperty, NumbersSurvive, (std::int64_t a, std::uint64_t b, double c)) {
  RC_ASSERT(decode<std::int64_t>(encode(a)).value() == a);
  RC_ASSERT(decode<std::uint64_t>(encode(b)).value() == b);
  RC_ASSERT(decode<double>(encode(c)).value() == c);
}
RC_GTEST_PROP(MsgpackProperty, AnyBytesGiveAValueOrAnError, (const std::string& bytes)) {
  (void)decode<Everything>(bytes).has_value();
  (void)decode<nlohmann::json>(bytes).has_value();
  Packet packet;
  const Slice slice = Slice::copy(bytes);
  (void)serializer().parse(slice, Direction::to_service, packet).has_value();
}

}  // namespace
