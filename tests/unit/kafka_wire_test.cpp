// Kafka's records, line by line of what was captured from NestJS, and what scalars become in handlers.
#include "vectors.hpp"
#include "waybill/adapt/nlohmann.hpp"
#include "waybill/fields.hpp"
#include "waybill/payload.hpp"
#include "waybill/registry.hpp"
#include "wire/lenient_json.hpp"
#include "wire/wire.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>

namespace waybill::kafka {
namespace {

using nlohmann::json;
using test::vectors;

std::optional<std::string> bytes_in(const json& object, const char* name) {
  if (!object.contains(name) || object[name].is_null()) return std::nullopt;
  return test::from_base64(object[name]);
}

const Serializer& json_format() { return *default_registry()->find_serializer("json"); }
Formats formats() { return Formats::of(json_format(), *default_registry()); }

template <class T>
Slice encode(const T& value) {
  Buffer out;
  json_format().encode(ValueRef::of(value), out).value();
  return out.take();
}

std::optional<std::string> copy(const Bytes& bytes) {
  return bytes ? std::optional(std::string(*bytes)) : std::nullopt;
}

/// A captured record with what its views point to.
struct Captured {
  explicit Captured(const json& vector) : topic(vector.value("topic", "t")) {
    key = bytes_in(vector, "key_base64");
    if (vector.contains("value_parts")) {
      value = test::joined(vector["value_parts"]);
    } else {
      value = bytes_in(vector, "value_base64");
      if (!value && vector.contains("value_text") && vector["value_text"].is_string()) value = vector["value_text"];
    }
    partition = vector.value("partition", 0);
    for (const json& header : vector.at("headers")) {
      headers.emplace_back(header["name"], bytes_in(header, "value_base64"));
    }
  }
  IncomingRecord record() const {
    IncomingRecord record;
    record.topic = topic;
    record.partition = partition;
    record.key = key;
    record.value = value;
    for (const auto& [name, text] : headers) record.headers.emplace_back(name, text);
    return record;
  }

  std::string topic;
  std::int32_t partition = 0;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

bool has_bad_utf8(const std::string& text) {
  try {
    (void)json(text).dump();
    return false;
  } catch (const json::exception&) {
    return true;
  }
}

void expect_same(const OutgoingRecord& made, const Captured& captured, const std::string& name) {
  EXPECT_EQ(copy(made.content.value), captured.value) << name;
  EXPECT_EQ(copy(made.content.key), captured.key) << name;
  ASSERT_EQ(made.headers.size(), captured.headers.size()) << name;
  for (std::size_t i = 0; i < made.headers.size(); ++i) {
    EXPECT_EQ(made.headers[i].first, captured.headers[i].first) << name;
    EXPECT_EQ(copy(made.headers[i].second), captured.headers[i].second) << name;
  }
}

TEST(KafkaVectors, ValuesAreEncodedAsNestJsDoes) {
  std::size_t lines = 0;
  for (const json& vector : vectors("kafka_values.jsonl")) {
    const std::string name = vector["name"];
    if (!name.starts_with("kafka-encode/")) continue;
    ++lines;
    Packet packet;
    packet.serializer = &json_format();
    packet.has_payload = !vector["value_undefined"].get<bool>();
    if (packet.has_payload)
      packet.payload = encode(nlohmann::ordered_json::parse(vector["value_json"].get<std::string>()));
    const auto record = compose_event(packet).value();
    const json& expected = vector["record"];
    EXPECT_EQ(copy(record.content.value), bytes_in(expected, "value_base64")) << name;
    EXPECT_EQ(copy(record.content.key), bytes_in(expected, "key_base64")) << name;
    EXPECT_EQ(record.partition, expected.value("partition", k_any_partition)) << name;
    if (expected.contains("timestamp")) {
      EXPECT_EQ(std::to_string(record.content.timestamp.value_or(0)), expected["timestamp"]) << name;
    }
    std::map<std::string, std::string> headers;
    for (const auto& [header, value] : record.headers) headers[std::string(header)] = value.value_or("");
    EXPECT_EQ(json(headers),
              expected["headers"].empty() ? json(std::map<std::string, std::string>()) : expected["headers"])
        << name;
  }
  EXPECT_EQ(lines, 32u);
}

TEST(KafkaVectors, ValuesAreDecodedAsNestJsDoes) {
  std::size_t lines = 0;
  for (const json& vector : vectors("kafka_values.jsonl")) {
    const std::string name = vector["name"];
    if (!name.starts_with("kafka-decode/")) continue;
    ++lines;
    const auto bytes = bytes_in(vector, "bytes_base64");
    const Slice payload = decode_value(bytes ? Bytes(*bytes) : Bytes(), json_format());
    json value;
    json_format().decode(payload, ValueOut::of(value)).value();
    if (vector["result_kind"] == "raw-bytes") {
      EXPECT_EQ(value["type"], "Buffer") << name;
      std::string back;
      for (const int byte : value["data"]) back += static_cast<char>(byte);
      EXPECT_EQ(back, *bytes) << name;
    } else {
      EXPECT_EQ(value, json::parse(vector["result_json"].get<std::string>())) << name;
    }
  }
  EXPECT_EQ(lines, 18u);
}

TEST(KafkaVectors, CapturedRequestsAndEventsAreReadAndMadeAgain) {
  std::size_t lines = 0;
  for (const json& vector : vectors("kafka.jsonl")) {
    const std::string name = vector["name"];
    if (!vector.contains("topic") || vector["direction"] != "client->server" || name.find("/raw-") != std::string::npos)
      continue;
    const Captured captured(vector);
    if (captured.value && has_bad_utf8(*captured.value)) continue;  // NestJS loses such bytes, too
    bool has_own_headers = false;
    for (const auto& header : captured.headers)
      has_own_headers = has_own_headers || !header.first.starts_with("kafka_");
    if (captured.key && captured.key->starts_with('{') && has_own_headers) continue;
    ++lines;
    const IncomingRecord record = captured.record();
    ReplyAddress to;
    const Packet packet = parse_delivery(record, formats(), true, to).value();
    const bool is_request = name.ends_with("request");
    EXPECT_EQ(packet.kind == PacketKind::request, is_request) << name;
    EXPECT_EQ(packet.pattern.text, captured.topic) << name;
    const std::string partition = std::to_string(to.partition);
    const auto made = is_request ? compose_request(packet, packet.id.text, to.topic, partition) : compose_event(packet);
    ASSERT_TRUE(made) << name;
    expect_same(*made, captured, name);
    EXPECT_EQ(made->partition, captured.partition) << name;
  }
  EXPECT_GT(lines, 80u);
}

TEST(KafkaVectors, CapturedRepliesAreReadAndMadeAgain) {
  std::size_t lines = 0;
  for (const json& vector : vectors("kafka.jsonl")) {
    const std::string name = vector["name"];
    if (!vector.contains("topic") || vector["direction"] != "server->client") continue;
    const Captured captured(vector);
    if (captured.key) continue;  // a handler's own Kafka message
    ++lines;
    const IncomingRecord record = captured.record();
    const Packet packet = parse_reply(record, formats()).value();
    ReplyAddress to{captured.topic, captured.partition, false};
    const bool is_no_handler =
        captured.headers.size() == 2 && captured.headers[1].second == std::string(k_no_handler_text);
    Packet again = packet;
    if (is_no_handler) again.kind = PacketKind::no_handler;
    const auto made = compose_reply(again, to);
    ASSERT_TRUE(made) << name;
    expect_same(*made, captured, name);
    EXPECT_EQ(made->partition, captured.partition) << name;
  }
  EXPECT_GT(lines, 80u);
}

TEST(KafkaVectors, CallersSeeWhatNestJsCallersSee) {
  std::map<std::string, std::vector<Captured>> replies;
  std::size_t calls = 0;
  for (const json& vector : vectors("kafka.jsonl")) {
    const std::string name = vector["name"];
    const std::string call = name.substr(0, name.rfind('/'));
    if (name.find("/response-") != std::string::npos) replies[call].emplace_back(vector);
    if (!name.ends_with("/outcome") || !replies.contains(call)) continue;
    if (vector.contains("lossy_text") || name.find("large") != std::string::npos) continue;
    ++calls;
    json values = json::array();
    json error;
    for (const Captured& captured : replies[call]) {
      const IncomingRecord record = captured.record();
      const Packet packet = parse_reply(record, formats()).value();
      if (!packet.has_payload) continue;
      json value;
      packet.serializer->decode(packet.payload, ValueOut::of(value)).value();
      if (packet.kind == PacketKind::error)
        error = value;
      else
        values.push_back(value.is_object() && value.value("type", json()) == "Buffer" ? json("bytes") : value);
    }
    json expected = vector["observed"]["values"];
    for (json& value : expected) {
      if (value.is_object() && value.contains("__buffer_base64")) value = "bytes";
    }
    // The null that NestJS's callers see behind the last value of a stream is no value to ours.
    if (expected.size() == values.size() + 1 && expected.size() > 1 && expected.back().is_null())
      expected.erase(expected.size() - 1);
    EXPECT_EQ(values, expected) << name;
    EXPECT_EQ(error, vector["observed"].value("error", json())) << name;
  }
  EXPECT_GT(calls, 60u);
}

TEST(KafkaWire, ARequestNeedsCorrelationIdReplyTopicAndNoEventHandler) {
  IncomingRecord record;
  record.topic = "t";
  record.value = "1";
  ReplyAddress to;
  EXPECT_EQ(parse_delivery(record, formats(), true, to)->kind, PacketKind::event);
  record.headers.emplace_back(k_correlation_id, "id");
  EXPECT_EQ(parse_delivery(record, formats(), true, to)->kind, PacketKind::event);
  record.headers.emplace_back(k_reply_topic, "t.reply");
  const Packet request = parse_delivery(record, formats(), true, to).value();
  EXPECT_EQ(request.kind, PacketKind::request);
  EXPECT_EQ(request.id.text, "id");
  EXPECT_EQ(to.topic, "t.reply");
  EXPECT_EQ(to.partition, k_any_partition);
  EXPECT_EQ(parse_delivery(record, formats(), false, to)->kind, PacketKind::event);
}

TEST(KafkaWire, ReplyAddressesSurviveTheirText) {
  for (const ReplyAddress& address : {ReplyAddress{"a.reply", 3, true}, ReplyAddress{"a.reply", k_any_partition, true},
                                      ReplyAddress{"a.reply", 0, false}, ReplyAddress{"a", k_any_partition, false}}) {
    const ReplyAddress back = ReplyAddress::from_text(address.text());
    EXPECT_EQ(back.topic, address.topic);
    EXPECT_EQ(back.partition, address.partition);
    EXPECT_EQ(back.is_waybill, address.is_waybill);
  }
}

TEST(KafkaWire, OurOwnClientsAreToldAnEndFromANull) {
  Packet end;
  end.kind = PacketKind::end;
  end.last = true;
  end.id.text = "id";
  end.serializer = &json_format();
  for (const bool is_waybill : {false, true}) {
    const auto made = compose_reply(end, {"t.reply", 0, is_waybill}).value();
    IncomingRecord record;
    record.headers = made.headers;
    EXPECT_EQ(parse_reply(record, formats())->kind, is_waybill ? PacketKind::end : PacketKind::value);
  }
}

TEST(KafkaWire, AnEmptyErrorIsNone) {
  IncomingRecord record;
  record.value = "v";
  record.headers.emplace_back(k_error, "");
  const Packet packet = parse_reply(record, formats()).value();
  EXPECT_EQ(packet.kind, PacketKind::end);
  EXPECT_FALSE(packet.has_payload);
}

TEST(KafkaWire, AnUnknownFormatIsRefusedByName) {
  IncomingRecord record;
  record.topic = "t";
  record.headers.emplace_back(k_serializer, "smoke-signals");
  ReplyAddress to;
  const auto packet = parse_delivery(record, formats(), true, to);
  ASSERT_FALSE(packet);
  EXPECT_NE(packet.error().message().find("smoke-signals"), std::string_view::npos);
}

TEST(KafkaWire, AttemptsComeFromTheHeader) {
  IncomingRecord record;
  EXPECT_EQ(attempt_of(record), 1);
  record.headers.emplace_back(header::k_attempt, "4");
  EXPECT_EQ(attempt_of(record), 4);
  record.headers.emplace_back(header::k_attempt, "-2");
  EXPECT_EQ(attempt_of(record), 1);
}

template <class T>
T decode_from(std::string_view value) {
  T out{};
  const Slice payload = decode_value(value, json_format());
  lenient(json_format()).decode(payload, ValueOut::of(out)).value();
  return out;
}

TEST(KafkaScalars, FitTheHandlersType) {
  EXPECT_EQ(decode_from<int>("15"), 15);
  EXPECT_EQ(decode_from<double>("1e+21"), 1e21);
  EXPECT_EQ(decode_from<bool>("true"), true);
  EXPECT_EQ(decode_from<std::int64_t>("9007199254740993"), 9007199254740993);
  EXPECT_EQ(decode_from<std::string>("15"), "15");
  EXPECT_EQ(decode_from<std::string>("\"quoted\""), "\"quoted\"");
  EXPECT_EQ(decode_from<std::string>("{\"a\":1}"), "{\"a\":1}");
  EXPECT_EQ(decode_from<std::optional<int>>("7"), 7);
  EXPECT_EQ(decode_from<std::vector<int>>("[1,2]"), (std::vector<int>{1, 2}));
  const auto bytes = decode_from<std::vector<std::byte>>("abc");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "abc");
}

TEST(KafkaScalars, WhatDoesNotFitSaysSo) {
  EXPECT_THROW(decode_from<int>("fifteen"), Error);
  EXPECT_THROW(decode_from<int>("1.5"), Error);
  EXPECT_THROW(decode_from<bool>("1"), Error);
  EXPECT_THROW(decode_from<int>("{}"), Error);
  EXPECT_THROW(decode_from<int>(""), Error);
}

TEST(KafkaScalars, TheLenientSerializerIsOneForEachSerializer) {
  EXPECT_EQ(&lenient(json_format()), &lenient(json_format()));
  const Payload payload = Payload::of(std::string("x"), lenient(json_format()));
  EXPECT_EQ(encode(payload).view(), "\"x\"");  // goes into json as it is
}

TEST(KafkaWire, ADeadLetterTellsSoMuchOfItsErrorThatItIsTaken) {
  IncomingRecord record;
  record.topic = "orders";
  std::string error(k_most_error_text - 1, 'x');
  for (int i = 0; i < 100'000; ++i) error += "é";
  const OutgoingRecord dead = compose_dead(record, error, 2);
  ASSERT_EQ(dead.headers.size(), 3u);
  EXPECT_EQ(dead.headers[0].second->size(), k_most_error_text - 1) << "half of a character is none";
  std::size_t more = 0;
  for (const auto& [name, value] : dead.headers) more += name.size() + value->size();
  EXPECT_LE(more, k_most_death);
}

}  // namespace
}  // namespace waybill::kafka
