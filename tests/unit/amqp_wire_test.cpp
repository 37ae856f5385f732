// amqp's bytes: frames at every split, properties, tables, and messages as NestJS was seen to send them.
#include "amqp_bytes.hpp"
#include "wire/message_options.hpp"
#include "wire/table.hpp"
#include "wire/typed_headers.hpp"
#include "wire/wire.hpp"

#include <random>

namespace waybill::amqp {
namespace {

Formats formats() { return Formats(json_format(), *default_registry()); }

std::string joined_body(const std::vector<Frame>& frames) {
  std::string body;
  for (const Frame& frame : frames) {
    if (frame.type == FrameType::body) body += frame.payload;
  }
  return body;
}

TEST(AmqpFrame, IsCutTheSameAtEverySplit) {
  Buffer out;
  append_publish(out, 1, "exchange", "key", true);
  append_ack(out, 2, 0x0102030405060708, true);
  append_heartbeat(out);
  append_nack(out, 1, 7, true);
  const std::string whole(out.view());
  for (std::size_t split = 0; split < whole.size(); ++split) {
    const std::string_view first = std::string_view(whole).substr(0, split);
    std::size_t at = 0;
    Frame frame;
    int count = 0;
    while (cut_frame(first, at, k_wanted_frame_max, frame) == Cut::frame) ++count;
    while (cut_frame(whole, at, k_wanted_frame_max, frame) == Cut::frame) ++count;
    EXPECT_EQ(count, 4) << split;
    EXPECT_EQ(at, whole.size());
  }
  Pool pool;
  const auto frames = frames_of(whole);
  EXPECT_EQ(decoded<amqp_basic_ack_t>(frames[1], pool).delivery_tag, 0x0102030405060708u);
  EXPECT_EQ(decoded<amqp_basic_nack_t>(frames[3], pool).requeue, 1);
  const auto publish = decoded<amqp_basic_publish_t>(frames[0], pool);
  EXPECT_EQ(to_view(publish.exchange), "exchange");
  EXPECT_EQ(to_view(publish.routing_key), "key");
  EXPECT_TRUE(publish.mandatory);
}

TEST(AmqpFrame, ThatCannotBeOneIsRefusedByItsHead) {
  std::size_t at = 0;
  Frame frame;
  const std::string huge("\x03\0\x01\xff\xff\xff\xff", 7), unknown("\x09\0\0\0\0\0\0", 7), text("HTTP/1.1 400");
  for (const auto& bytes : {huge, unknown, text}) EXPECT_EQ(cut_frame(bytes, at, 4'096, frame), Cut::broken);
  const std::string no_end("\x08\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(cut_frame(no_end, at, 4'096, frame), Cut::broken);
}

TEST(AmqpProperties, OfCapturedMessagesAreRead) {
  std::size_t count = 0;
  for (const json& vector : vectors("rmq.jsonl")) {
    if (!vector.contains("content_header_base64")) continue;
    ++count;
    const std::string header = from_base64(vector["content_header_base64"]);
    const json& expected = vector.at("properties");
    Properties properties;
    ASSERT_TRUE(read_properties(header, properties)) << vector["name"];
    EXPECT_EQ(properties.correlation_id.has_value(), expected.contains("correlationId")) << vector["name"];
    if (expected.contains("replyTo")) {
      EXPECT_EQ(*properties.reply_to, expected["replyTo"].get<std::string>());
      std::optional<std::string_view> id;
      std::string_view reply_to;
      ASSERT_TRUE(split_return_address(properties.return_address, id, reply_to));
      EXPECT_EQ(reply_to, *properties.reply_to);
      EXPECT_EQ(id, properties.correlation_id);
    }
    EXPECT_EQ(properties.delivery_mode.value_or(0), expected.value("deliveryMode", 0));
    EXPECT_EQ(properties.priority.value_or(0), expected.value("priority", 0));
    Headers headers;
    std::string typed;
    ASSERT_TRUE(properties.headers && read_table(*properties.headers, headers, typed)) << vector["name"];
    EXPECT_EQ(headers.size(), expected.at("headers").size());
    if (!typed.empty()) {
      EXPECT_EQ(json::parse(typed), expected["headers"]) << typed;
    }
    for (const auto& [name, value] : expected["headers"].items()) {
      EXPECT_EQ(*headers.find(name), value.is_string() ? value.get<std::string>() : value.dump()) << vector["name"];
    }
  }
  EXPECT_GT(count, 100u);
}

TEST(AmqpProperties, CutShortAnywhereAreNone) {
  for (const json& vector : vectors("rmq.jsonl")) {
    if (vector["name"] != "rmq/record/headers-and-priority/request") continue;
    const std::string header = from_base64(vector["content_header_base64"]);
    for (std::size_t size = 0; size < header.size(); ++size) {
      Properties properties;
      EXPECT_FALSE(read_properties(std::string_view(header).substr(0, size), properties)) << size;
    }
  }
}

TEST(AmqpTable, OfAnyBytesIsReadOrRefused) {
  std::mt19937 random(7);
  constexpr std::string_view k_kinds = "StbBsuIilLfdDTVFAx";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (int i = static_cast<int>(random() % 40); i > 0; --i) {
      bytes += random() % 3 ? static_cast<char>(random() % 6) : k_kinds[random() % k_kinds.size()];
    }
    Headers headers;
    std::string typed;
    const bool is_table = read_table(bytes, headers, typed);
    EXPECT_TRUE(is_table || headers.empty());
  }
  // Deeper than anybody needs, as deep as a frame can hold.
  std::string nested;
  for (int i = 0; i < 10'000; ++i) nested.insert(0, std::string("A\0\0\0\0", 5));
  nested.insert(0, "\x01x");
  Headers headers;
  std::string typed;
  EXPECT_FALSE(read_table(nested, headers, typed));
}

TEST(AmqpTable, LargeNumbersAreWhatTheirKindSays) {
  const std::string all_ones(8, '\xff');
  Headers headers;
  std::string typed;
  ASSERT_TRUE(
      read_table("\x01s"
                 "l" +
                     all_ones +
                     "\x01u"
                     "L" +
                     all_ones,
                 headers, typed));
  EXPECT_EQ(*headers.find("s"), "-1");
  EXPECT_EQ(*headers.find("u"), "18446744073709551615");
}

TEST(AmqpTable, WritesTextsAndBytes) {
  Headers headers;
  headers.set("text", "한글");
  headers.set("bytes", std::string_view("a\0\xff", 3));
  Buffer out;
  append_table(out, headers);
  ASSERT_EQ(load<std::uint32_t>(out.data()), out.size() - 4);
  Headers read;
  std::string typed;
  ASSERT_TRUE(read_table(out.view().substr(4), read, typed));
  EXPECT_EQ(*read.find("text"), "한글");
  EXPECT_EQ(*read.find("bytes"), std::string("a\0\xff", 3));
  EXPECT_TRUE(typed.empty());
}

TEST(AmqpTable, HeadersKeepTheirTypesUntilTheirTextIsAnother) {
  Packet packet;
  packet.serializer = &json_format();
  const std::string typed = R"({"n":7,"big":5000000000,"f":1.5,"one":1.0,"t":true,"o":{"a":[1,null]},"s":"x","old":1})";
  packet.properties.set("headers", typed);
  for (const auto& [name, text] : {std::pair("n", "7"), {"f", "1.5"}, {"o", R"({"a":[1,null]})"}, {"s", "x"}})
    packet.headers.set(name, text);
  packet.headers.set("old", "2");  // changed since, so that it is a text now
  Buffer out;
  ASSERT_TRUE(append_headers(out, packet, json_format()));
  ASSERT_EQ(load<std::uint32_t>(out.data()), out.size() - 4);
  Headers read;
  std::string seen;
  ASSERT_TRUE(read_table(out.view().substr(4), read, seen));
  json expected = json::parse(typed);
  expected["old"] = "2";
  EXPECT_EQ(json::parse(seen), expected) << seen;
  const std::string table(out.view().substr(4));
  EXPECT_EQ(table.substr(0, 4), std::string("\x01nb\x07", 4));
  EXPECT_NE(table.find(std::string("\x03oneb\x01", 6)), std::string::npos) << "1.0 is an integer in JavaScript";
  EXPECT_NE(table.find(std::string("\x03"
                                   "bigl\0\0\0\x01*\x05\xF2\0",
                                   13)),
            std::string::npos);

  packet.properties.set("headers", "[1]");
  out.clear();
  const auto refused = append_headers(out, packet, json_format());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::invalid_config);
}

/// What NestJS sent, sent by us: the same bytes.
TEST(AmqpWire, SendsWhatNestjsSends) {
  std::size_t count = 0;
  for (const json& vector : vectors("rmq.jsonl")) {
    if (!vector.contains("content_header_base64")) continue;
    const std::string name = vector["name"];
    const std::string body = body_of(vector);
    const std::string header = from_base64(vector["content_header_base64"]);
    const json& expected = vector["properties"];
    const bool is_reply = vector["direction"] == "server->client";
    const json parsed = json::parse(body, nullptr, false);
    if (parsed.is_discarded()) continue;
    if (is_reply && parsed.empty()) continue;  // NestJS's own mistake
    Packet packet;
    const Slice bytes = padded(body);
    if (!json_format().parse(bytes, is_reply ? Direction::to_client : Direction::to_service, packet)) continue;
    packet.serializer = &json_format();
    Envelope envelope;
    envelope.routing_key = "q";
    const std::string id = expected.value("correlationId", "");
    const std::string reply_to = expected.value("replyTo", "");
    if (!id.empty()) envelope.correlation_id = id;
    envelope.reply_to = reply_to;
    envelope.delivery_mode = static_cast<std::uint8_t>(expected.value("deliveryMode", 0));
    Properties captured;
    std::string typed;
    ASSERT_TRUE(read_properties(header, captured) && read_table(*captured.headers, packet.headers, typed)) << name;
    if (!typed.empty()) packet.properties.set("headers", typed);
    if (expected.contains("priority")) packet.properties.set("priority", expected["priority"].dump());
    if (expected.contains("expiration")) packet.properties.set("expiration", expected["expiration"].get<std::string>());
    for (const char* text : {"messageId", "contentType", "contentEncoding", "type", "appId", "userId"}) {
      if (expected.contains(text)) packet.properties.set(text, expected[text].get<std::string>());
    }
    if (expected.contains("timestamp")) packet.properties.set("timestamp", expected["timestamp"].dump());
    Buffer out;
    ASSERT_TRUE(append_message(out, envelope, packet, json_format(), k_wanted_frame_max)) << name;
    const auto frames = frames_of(out.view());
    ASSERT_GE(frames.size(), 2u);
    EXPECT_EQ(joined_body(frames), body) << name;
    EXPECT_EQ(frames[1].payload, header) << name;
    ++count;
  }
  EXPECT_GT(count, 100u);
}

TEST(AmqpWire, ReadsRepliesAsNestjsDoes) {
  std::size_t count = 0;
  for (const json& vector : vectors("rmq.jsonl")) {
    const std::string name = vector["name"];
    if (!name.starts_with("rmq/raw-client/") || name.ends_with("wrong-correlation-id")) continue;
    ++count;
    json values = json::array();
    json error;
    bool is_over = false;
    for (const json& text : vector["bodies_text"]) {
      Properties properties;
      properties.correlation_id = "the id";
      const std::string bytes = text;
      const Slice body = padded(bytes);
      Buffer scratch;
      Packet packet;
      ASSERT_TRUE(parse_reply(properties, body, formats(), scratch, packet)) << name;
      EXPECT_EQ(packet.id.text, "the id");
      if (packet.kind == PacketKind::error) error = json::parse(packet.payload.view());
      if (packet.kind == PacketKind::value) values.push_back(json::parse(packet.payload.view()));
      is_over = is_over || packet.last || packet.kind != PacketKind::value;
    }
    EXPECT_TRUE(is_over) << name;
    EXPECT_EQ(values, vector["observed"]["values"]) << name;
    EXPECT_EQ(error, vector["observed"].value("error", json())) << name;
  }
  EXPECT_EQ(count, 11u);
}

TEST(AmqpWire, ReadsDeliveriesAsNestjsDoes) {
  for (const json& vector : vectors("rmq.jsonl")) {
    const std::string name = vector["name"];
    if (!name.starts_with("rmq/raw-server/")) continue;
    Properties properties;
    const std::string bytes = from_base64(vector["body_base64"]);
    const Slice body = padded(bytes);
    Packet packet;
    const auto parsed = parse_delivery(properties, body, formats(), packet);
    const json& replies = vector["replies"];
    EXPECT_EQ(packet.kind == PacketKind::request, !replies.empty()) << name;
    EXPECT_EQ(parsed.has_value(), name != "rmq/raw-server/not-json") << name;
    if (!parsed) {
      EXPECT_FALSE(packet.has_pattern);
      EXPECT_EQ(packet.payload.view(), bytes);
    }
  }
}

TEST(AmqpWire, CutsLargeBodiesIntoFrames) {
  for (const std::size_t size : {0u, 1u, 4'000u, 4'088u, 4'089u, 100'000u}) {
    const std::string text = '"' + std::string(size, 'x') + '"';
    Packet packet;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern.text = "p";
    packet.payload = padded(text);
    packet.serializer = &json_format();
    Buffer out;
    Envelope envelope;
    const auto layout = append_message(out, envelope, packet, json_format(), 4'096);
    ASSERT_TRUE(layout);
    const auto frames = frames_of(out.view());
    for (const Frame& frame : frames) EXPECT_LE(frame.payload.size() + k_frame_overhead, 4'096u);
    const std::string body = joined_body(frames);
    EXPECT_EQ(load<std::uint64_t>(frames[1].payload.data() + 4), body.size());
    EXPECT_EQ(json::parse(body)["data"].get<std::string>().size(), size);
  }
}

TEST(AmqpWire, RefusesWhatCannotBeCarriedAndLeavesTheBufferAlone) {
  Packet packet;
  packet.has_pattern = true;
  packet.pattern.text = "p";
  packet.serializer = &json_format();
  Buffer out;
  out.append("before");
  const auto expect_refused = [&](const Envelope& envelope, errc code, const char* word) {
    const auto appended = append_message(out, envelope, packet, json_format(), 4'096);
    ASSERT_FALSE(appended) << word;
    EXPECT_TRUE(appended.error().code() == code) << appended.error().what();
    EXPECT_NE(appended.error().message().find(word), std::string_view::npos) << appended.error().what();
    EXPECT_EQ(out.view(), "before");
  };
  const std::string long_name(256, 'n');
  Envelope envelope;
  envelope.routing_key = long_name;
  expect_refused(envelope, errc::too_large, "255");
  envelope = {};
  envelope.correlation_id = long_name;
  expect_refused(envelope, errc::too_large, "255");
  envelope = {};
  packet.properties.set("expiration", "soon");
  expect_refused(envelope, errc::invalid_config, "expiration");
  packet.properties = Headers();
  packet.properties.set("priorty", "3");
  expect_refused(envelope, errc::invalid_config, "priority");
  packet.properties = Headers();
  packet.headers.set("large", std::string(5'000, 'h'));
  expect_refused(envelope, errc::too_large, "headers");
}

TEST(AmqpWire, TellsHowLongACallerWaitsAndInWhichFormat) {
  const Serializer* const msgpack = default_registry()->find_serializer("msgpack");
  if (!msgpack) GTEST_SKIP() << "built without msgpack";
  Packet packet;
  packet.kind = PacketKind::request;
  packet.has_pattern = packet.has_payload = true;
  packet.pattern.text = "p";
  packet.id.text = "7";
  packet.deadline = std::chrono::milliseconds(1'500);
  packet.serializer = msgpack;
  Buffer value;
  msgpack->encode(ValueRef::of(std::string_view("x")), value).value();
  packet.payload = value.borrow();
  Buffer out;
  Envelope envelope;
  ASSERT_TRUE(append_message(out, envelope, packet, json_format(), 4'096));
  const auto frames = frames_of(out.view());
  Properties properties;
  ASSERT_TRUE(read_properties(frames[1].payload, properties));
  EXPECT_EQ(*properties.content_type, "application/msgpack");
  EXPECT_EQ(*properties.expiration, "1500");
  Packet read;
  const Slice body = padded(frames[2].payload);
  ASSERT_TRUE(parse_delivery(properties, body, formats(), read));
  EXPECT_EQ(read.kind, PacketKind::request);
  EXPECT_EQ(read.serializer, msgpack);
  EXPECT_EQ(read.deadline, packet.deadline);
}

TEST(AmqpWire, ReplyAddressesAreNamesAndNothingElse) {
  EXPECT_TRUE(is_reply_address("amq.rabbitmq.reply-to.g1h2"));
  EXPECT_TRUE(is_reply_address("my replies"));
  EXPECT_FALSE(is_reply_address(""));
  EXPECT_FALSE(is_reply_address("a\nb"));
  EXPECT_FALSE(is_reply_address(std::string(256, 'a')));
  std::optional<std::string_view> id;
  std::string_view reply_to;
  for (const auto& bad : {std::string(),
                          std::string("\x05"
                                      "abc"),
                          std::string("\x01"
                                      "a\x01"
                                      "b\x01"
                                      "c")})
    EXPECT_FALSE(split_return_address(bad, id, reply_to));
}

}  // namespace
}  // namespace waybill::amqp
