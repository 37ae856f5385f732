// Bodies of published messages, line by line of what was captured from NestJS.
#include "protocol/command.hpp"
#include "vectors.hpp"
#include "waybill/registry.hpp"
#include "wire/wire.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace waybill::redis {
namespace {

using nlohmann::json;
using test::body_of;
using test::from_base64;

const Serializer& json_format() { return *default_registry()->find_serializer("json"); }

bool is_captured_message(const json& vector) {
  return vector.value("command", "") == "PUBLISH" && (vector.contains("body_base64") || vector.contains("body_parts"));
}

TEST(RedisVectors, EveryCapturedPacketIsReadAndWrittenByteForByte) {
  int packets = 0;
  for (const json& vector : test::vectors("redis.jsonl")) {
    if (!is_captured_message(vector)) continue;
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const std::string text = body_of(vector);
    const Slice body = Slice::copy(text);
    const std::string kind = vector.at("meaning").at("kind");
    Buffer storage;
    Packet packet;
    if (kind == "response") {
      ASSERT_TRUE(json_format().parse(body, Direction::to_client, packet));
      EXPECT_TRUE(is_reply(body, json_format()));
    } else {
      ASSERT_TRUE(parse_incoming(body, json_format(), storage, packet));
      EXPECT_EQ(packet.kind, kind == "request" ? PacketKind::request : PacketKind::event);
      EXPECT_FALSE(is_reply(body, json_format()));
    }
    packet.serializer = &json_format();
    PublishWriter writer(16u << 20);
    Buffer out;
    const std::string channel = vector.at("channel");
    ASSERT_TRUE(writer.write(publish_head(channel), packet, json_format(), out));
    std::string expected;
    append_command(expected, {"PUBLISH", channel, text});
    EXPECT_EQ(out.view(), expected);
    ++packets;
  }
  EXPECT_GT(packets, 100);
}

TEST(RedisVectors, WhatIsPublishedByHandIsTakenAsNestJsTakesIt) {
  int seen = 0;
  for (const json& vector : test::vectors("redis.jsonl")) {
    const std::string name = vector.at("name");
    if (!name.starts_with("redis/raw-server/") || name.ends_with("invalid-utf8")) continue;
    SCOPED_TRACE(name);
    Buffer storage;
    Packet packet;
    const Slice body = Slice::copy(vector.at("body_text").get<std::string>());
    ASSERT_TRUE(parse_incoming(body, json_format(), storage, packet));
    const bool is_to_nobody = name.ends_with("not-normalized");
    if (is_to_nobody) continue;
    EXPECT_EQ(packet.kind == PacketKind::request, !vector.at("replies").empty());
    ++seen;
  }
  EXPECT_GT(seen, 10);
}

TEST(RedisWire, TextThatIsNoJsonIsAnEventWithThatText) {
  Buffer storage;
  for (const std::string text : {"hello", "", "{\"a\":", "he said \"no\"\n"}) {
    Packet packet;
    ASSERT_TRUE(parse_incoming(Slice::copy(text), json_format(), storage, packet)) << text;
    EXPECT_EQ(packet.kind, PacketKind::event);
    ASSERT_TRUE(packet.has_payload);
    EXPECT_EQ(json::parse(packet.payload.view()), text);
  }
  Packet packet;
  EXPECT_FALSE(parse_incoming(Slice::copy("\xFF\xFE"), json_format(), storage, packet)) << "nor is it text";
}

TEST(RedisWire, ReplyPacketsAreToldFromPayloadsThatLookLikeThem) {
  const auto is = [](const char* text) { return is_reply(Slice::copy(text), json_format()); };
  EXPECT_TRUE(is(R"({"response":1,"isDisposed":true,"id":"x"})"));
  EXPECT_TRUE(is(R"({"response":1,"id":"x"})"));
  EXPECT_TRUE(is(R"({"isDisposed":true,"id":"x"})"));
  EXPECT_TRUE(is(R"({"err":"boom","isDisposed":true,"id":"x"})"));
  EXPECT_TRUE(is(R"({"id":"x","status":"error","err":"There is no matching"})"));
  EXPECT_FALSE(is(R"({"response":1,"id":"x","more":2})"));
  EXPECT_FALSE(is(R"( {"response":1,"id":"x","more":2} )"));
  EXPECT_FALSE(is(R"({"pattern":"a","data":1,"id":"x"})"));
  EXPECT_FALSE(is(R"({"pattern":"a","data":1})"));
  for (const char* text : {"{}", "[]", "1", "null", "\"text\"", "not json", ""}) EXPECT_FALSE(is(text)) << text;
}

TEST(RedisWire, MarksComeOffAndGoBack) {
  const std::string mark = random_mark();
  ASSERT_EQ(mark.size(), k_mark_size);
  EXPECT_NE(mark, random_mark());
  EXPECT_EQ(mark_of({"id" + mark, false}), mark);
  EXPECT_EQ(mark_of({mark, false}), mark);
  EXPECT_EQ(mark_of({"0123456789abcdef01234", false}), "");
  EXPECT_EQ(mark_of({"short", false}), "");
  EXPECT_EQ(mark_of({"5", true}), "");
  EXPECT_EQ(mark_of({"\"id" + mark, true}), "");
}

TEST(RedisWire, BodiesOfAnyLengthHaveTheirLengthBeforeThem) {
  PublishWriter writer(1u << 20);
  Buffer out;
  std::string expected;
  // The number of digits goes up and down.
  for (const std::size_t size : {0u, 1u, 90u, 1'000u, 5u, 100'000u, 20'000u, 9u, 999'000u}) {
    const std::string payload = '"' + std::string(size, 'x') + '"';
    Packet packet;
    packet.kind = PacketKind::event;
    packet.has_payload = packet.has_pattern = true;
    packet.pattern.text = "p";
    packet.payload = Slice::copy(payload);
    packet.serializer = &json_format();
    ASSERT_TRUE(writer.write(publish_head("c"), packet, json_format(), out));
    append_command(expected, {"PUBLISH", "c", "{\"pattern\":\"p\",\"data\":" + payload + "}"});
  }
  EXPECT_TRUE(out.view() == expected);
  const std::size_t before = out.size();
  Packet large;
  large.kind = PacketKind::event;
  large.has_payload = true;
  large.payload = Slice::copy('"' + std::string(2u << 20, 'x') + '"');
  large.serializer = &json_format();
  const auto refused = writer.write(publish_head("c"), large, json_format(), out);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code() == errc::too_large);
  EXPECT_EQ(refused.error().end(), End::rejected);
  EXPECT_EQ(out.size(), before);
}

}  // namespace
}  // namespace waybill::redis
