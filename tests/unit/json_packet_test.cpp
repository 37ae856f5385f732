// Packets in JSON: bytes as NestJS writes them, and its classification of everything that can be sent to it.
#include "json_packet.hpp"

#include "json_text.hpp"
#include "vectors.hpp"
#include "waybill/adapt/nlohmann.hpp"
#include "waybill/serializers/json.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace {

using nlohmann::json;
using waybill::Buffer;
using waybill::Direction;
using waybill::errc;
using waybill::Packet;
using waybill::PacketKind;
using waybill::Slice;

const waybill::Serializer& serializer() {
  static const auto made = waybill::json::make_json_serializer();
  return *made;
}

Packet packet_of(PacketKind kind, std::string_view payload) {
  Packet packet;
  packet.kind = kind;
  packet.id = {"i-1", false};
  packet.serializer = &serializer();
  if (!payload.empty()) {
    packet.payload = Slice::copy(payload);
    packet.has_payload = true;
  }
  if (kind == PacketKind::request || kind == PacketKind::event) {
    packet.has_pattern = true;
    packet.pattern = {R"({"cmd":"sum"})", true};
  }
  return packet;
}

std::string composed(const Packet& packet) {
  Buffer out;
  serializer().compose(packet, out);
  return std::string(out.view());
}

TEST(JsonPacket, IsWrittenAsNestJsWritesIt) {
  Packet request = packet_of(PacketKind::request, "[1,2]");
  EXPECT_EQ(composed(request), R"({"pattern":{"cmd":"sum"},"data":[1,2],"id":"i-1"})");
  request.headers.set("t", "1");
  EXPECT_EQ(composed(request), R"({"pattern":{"cmd":"sum"},"data":[1,2],"metadata":{"t":"1"},"id":"i-1"})");
  request.metadata = Slice::copy(R"({"own":true})");
  EXPECT_EQ(composed(request), R"({"pattern":{"cmd":"sum"},"data":[1,2],"metadata":{"own":true,"t":"1"},"id":"i-1"})");
  request.metadata = Slice::copy("{ }");
  EXPECT_EQ(json::parse(composed(request))["metadata"], json({{"t", "1"}}));
  request.metadata = Slice::copy("[7]");
  EXPECT_EQ(composed(request), R"({"pattern":{"cmd":"sum"},"data":[1,2],"metadata":[7],"id":"i-1"})");
  EXPECT_EQ(composed(packet_of(PacketKind::event, "1")), R"({"pattern":{"cmd":"sum"},"data":1})");
  Packet value = packet_of(PacketKind::value, "15");
  EXPECT_EQ(composed(value), R"({"response":15,"id":"i-1"})");
  value.last = true;
  EXPECT_EQ(composed(value), R"({"response":15,"isDisposed":true,"id":"i-1"})");
  EXPECT_EQ(composed(packet_of(PacketKind::value, {})), R"({"id":"i-1"})");
  EXPECT_EQ(composed(packet_of(PacketKind::end, {})), R"({"isDisposed":true,"id":"i-1"})");
  EXPECT_EQ(composed(packet_of(PacketKind::error, "{}")), R"({"err":{},"isDisposed":true,"id":"i-1"})");
  EXPECT_EQ(
      composed(packet_of(PacketKind::no_handler, {})),
      R"({"id":"i-1","status":"error","err":"There is no matching message handler defined in the remote service."})");
  Packet numbered = packet_of(PacketKind::end, {});
  numbered.id = {"7", true};
  EXPECT_EQ(composed(numbered), R"({"isDisposed":true,"id":7})");
}

/// What a test can compare of a packet, as JSON.
json seen(std::string_view bytes, Direction direction, bool any_layout = false) {
  Packet packet;
  packet.serializer = &serializer();
  const Slice slice = Slice::copy(bytes);
  const auto result = any_layout ? waybill::json::parse_any_layout(slice, direction, packet)
                                 : serializer().parse(slice, direction, packet);
  if (!result) return {{"error", result.error().code().message()}};
  const auto term = [](waybill::Term t) -> json {
    if (t.is_json && t.text.empty()) return "absent";
    return t.is_json ? json::parse(t.text) : json(t.text);
  };
  json out{{"kind", int(packet.kind)}, {"last", packet.last}, {"id", term(packet.id)}};
  if (packet.has_pattern) out["pattern"] = term(packet.pattern);
  if (packet.has_payload) out["payload"] = json::parse(waybill::json::replace_invalid_utf8(packet.payload.view()));
  if (!packet.metadata.empty()) out["metadata"] = json::parse(packet.metadata.view());
  return out;
}

std::vector<json> vectors() {
  std::vector<json> lines = waybill::test::vectors("packet_classify.jsonl");
  EXPECT_GT(lines.size(), 40u);
  return lines;
}

TEST(JsonPacket, VectorsTowardsAService) {
  for (const json& vector : vectors()) {
    if (vector["deserializer"] != "request") continue;
    const json input = json::parse(vector["input_json"].get<std::string>());
    const json got = seen(vector["input_json"].get<std::string>(), Direction::to_service);
    const json& want = vector["with_channel_C"];
    const bool is_event = want["is_event"];
    EXPECT_EQ(got["kind"], int(is_event ? PacketKind::event : PacketKind::request)) << vector["name"];
    EXPECT_EQ(got.contains("payload"), want["has_data"].get<bool>()) << vector["name"];
    if (want["has_data"]) {
      EXPECT_EQ(got["payload"], want["data"]) << vector["name"];
    }
    if (!is_event) {
      EXPECT_EQ(got["id"], want["id"]) << vector["name"];
    }
    const bool has_pattern = !vector["external"].get<bool>() && input.contains("pattern");
    EXPECT_EQ(got.contains("pattern"), has_pattern) << vector["name"];
    if (has_pattern) {
      EXPECT_EQ(got["pattern"], want["pattern"]) << vector["name"];
    }
  }
}

TEST(JsonPacket, VectorsTowardsAClient) {
  for (const json& vector : vectors()) {
    if (vector["deserializer"] != "response") continue;
    const json got = seen(vector["input_json"].get<std::string>(), Direction::to_client);
    const std::string outcome = vector["client_outcome"];
    const auto kind = PacketKind(got["kind"].get<int>());
    EXPECT_EQ(kind == PacketKind::error, outcome == "error") << vector["name"];
    EXPECT_EQ(kind == PacketKind::end, outcome == "complete") << vector["name"];
    EXPECT_EQ(kind == PacketKind::value, outcome.starts_with("value")) << vector["name"];
    EXPECT_EQ(got["last"].get<bool>(), outcome == "value-then-complete") << vector["name"];
    if (kind == PacketKind::value && vector["result"]["has_response"]) {
      EXPECT_EQ(got["payload"], vector["result"]["response"]) << vector["name"];
    }
    if (kind == PacketKind::error) {
      EXPECT_EQ(got["payload"], vector["result"]["err"]) << vector["name"];
    }
    if (vector["result"]["id"].is_string()) {
      EXPECT_EQ(got["id"], vector["result"]["id"]) << vector["name"];
    }
  }
}

// Whatever the fast reader accepts, the careful one must see in the same way.
TEST(JsonPacket, BothReadersAgree) {
  const char* const payloads[] = {
      "1",
      "-1.5e3",
      "null",
      "true",
      "\"\"",
      "\"a\"",
      R"("a,\"id\":\"x\"")",
      R"("\\")",
      "{}",
      "[]",
      R"({"a":1})",
      R"({"a":{"b":1},"c":[{"d":1},{"e":2}]})",
      R"([{"a":1},{"b":2}])",
      R"({"s":"},\"x\":{"})",
      R"([[1],[2]])",
      R"({"id":"inner"})",
      R"({"a":1} )",
      R"( 1)",
      R"("x","extra":"y")",
      R"(1,"extra":true)",
      R"({"a":1},"extra":{"b":2})",
      R"([1],"extra":[2])",
      R"({"a":1} ,"metadata":{"b":2})",
      R"("a","data":"b")",
      R"({"x":1},"data":{"y":2})",
      R"({"x":1},"response":{"y":2})",
      R"({"x":1},"isDisposed":false)",
      R"({"x":1},"pattern":"q")",
      R"("tail\\","id":"x")",
      R"([1]  ,"a":[2])",
      R"({"a":"}"},"b":{})",
      R"({"a":1,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})",
      R"("a,\"metadata\":{\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"}")",
      R"(1,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})",
      "\"\xED\x95\x9C\"",
      "{\"k\":\"\xFF\"}"};
  const char* const tails[] = {
      "}",
      R"(,"id":"i"})",
      R"(,"id":"a\"b"})",
      R"(,"id":7})",
      R"(,"id":null})",
      R"(,"metadata":{"t":"1"},"id":"i"})",
      R"(,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"id":"i"})",
      R"(,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})",
      R"(,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","a":1},"id":"i"})",
      R"(,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"id":"i"})",
      R"(,"metadata":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba90\u0031"},"id":"i"})",
      R"(,"metadata": {"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"id":"i"})",
      R"(,"isDisposed":true,"id":"i"})",
      R"(,"isDisposed":false,"id":"i"})",
      R"(, "id":"i"})",
      R"(,"id":"i"} )",
      R"(,"id":"i","id":"j"})",
      R"(,"i\u0064":"i"})",
      "}}",
      R"(,"id":"i",})"};
  const char* const heads[] = {R"({"pattern":"p","data":)",
                               R"({"pattern":{"cmd":"x"},"data":)",
                               R"({"pattern":"p\"q","data":)",
                               R"({"pattern":7,"data":)",
                               R"({ "pattern":"p","data":)",
                               R"({"response":)",
                               R"({"err":)",
                               R"({"data":)",
                               R"({"id":"first","response":)"};
  for (const char* head : heads) {
    for (const char* payload : payloads) {
      for (const char* tail : tails) {
        const std::string bytes = std::string(head) + payload + tail;
        for (const Direction direction : {Direction::to_service, Direction::to_client}) {
          const json careful = seen(bytes, direction, true);
          if (careful.contains("error")) continue;  // not JSON: the fast reader may not notice yet
          EXPECT_EQ(seen(bytes, direction), careful) << bytes;
        }
      }
    }
  }
}

TEST(JsonPacket, KnownLayoutsAreReadWithoutScanning) {
  Packet packet;
  const Slice request = Slice::copy(composed(packet_of(PacketKind::request, R"({"a":[{"b":1},{"c":2}]})")));
  ASSERT_TRUE(waybill::json::parse_known_layout(request, Direction::to_service, packet));
  EXPECT_EQ(packet.payload.view(), R"({"a":[{"b":1},{"c":2}]})");
  Packet value = packet_of(PacketKind::value, R"([1,2])");
  value.last = true;
  const Slice reply = Slice::copy(composed(value));
  ASSERT_TRUE(waybill::json::parse_known_layout(reply, Direction::to_client, packet));
}

TEST(JsonPacket, EachPrefixFailsCleanly) {
  for (const char* whole :
       {R"({"pattern":{"cmd":"x"},"data":{"a":[1,"\u00e9"]},"metadata":{"k":1},"id":"i"})",
        R"({"pattern":"p","data":{"a":1},"id":"i"})", R"({"response":[1,2],"isDisposed":true,"id":"i"})"}) {
    const std::string text = whole;
    for (std::size_t size = 0; size < text.size(); ++size) {
      for (const Direction direction : {Direction::to_service, Direction::to_client}) {
        EXPECT_TRUE(seen(text.substr(0, size), direction).contains("error")) << size;
      }
    }
  }
}

TEST(JsonPacket, Malformed) {
  for (const char* wrong :
       {"", " ", "{\"pattern\":tru}", "nul", "[1,]", "{}{}", "\xEF\xBB\xBF{}", "{'a':1}", "{\"a\":1,}"}) {
    EXPECT_TRUE(seen(wrong, Direction::to_service).contains("error")) << wrong;
  }
  Packet packet;
  const Slice endless = Slice::copy(std::string(100'000, '['));
  EXPECT_EQ(serializer().parse(endless, Direction::to_service, packet).error().code(), errc::payload_malformed);
}

TEST(JsonPacket, HoweverDeepThePayloadIsTheRestIsRead) {
  for (const int depth : {127, 128, 129, 100'000}) {
    std::string deep;
    for (int i = 0; i < depth; ++i) deep += i % 2 ? "{\"a\":" : "[";
    deep += "1";
    for (int i = depth; i > 0; --i) deep += i % 2 ? "]" : "}";
    for (const std::string& text : {"{\"response\":" + deep + ",\"isDisposed\":true,\"id\":\"i\"}",
                                    "{\"id\":\"i\",\"isDisposed\":true,\"response\":" + deep + "}",
                                    "{ \"id\" : \"i\", \"response\" : " + deep + " , \"isDisposed\" : true }"}) {
      Packet packet;
      const Slice bytes = Slice::copy(text);
      ASSERT_TRUE(serializer().parse(bytes, Direction::to_client, packet)) << depth;
      EXPECT_EQ(packet.id.text, "i");
      EXPECT_EQ(packet.kind, PacketKind::value);
      EXPECT_TRUE(packet.last);
      EXPECT_EQ(packet.payload.view(), deep);
    }
    Packet packet;
    const Slice call = Slice::copy("{\"id\":\"i\",\"data\":" + deep + ",\"pattern\":" + deep + "}");
    ASSERT_TRUE(serializer().parse(call, Direction::to_service, packet)) << depth;
    EXPECT_EQ(packet.kind, PacketKind::request);
    EXPECT_EQ(packet.payload.view(), deep);
    EXPECT_FALSE(serializer().parse(Slice::copy("{\"response\" : " + deep.substr(0, deep.size() - 1)),
                                    Direction::to_client, packet));
  }
}

TEST(JsonPacket, InvalidUtf8BecomesReplacementCharacters) {
  const json got = seen("{\"pattern\":\"p\xFF\",\"data\":\"\xC3\",\"id\":\"i\"}", Direction::to_service);
  EXPECT_EQ(got["pattern"], "p\xEF\xBF\xBD");
  EXPECT_EQ(got["payload"], "\xEF\xBF\xBD");
}

TEST(JsonPacket, NoHandlerIsTold) {
  const json got = seen(composed(packet_of(PacketKind::no_handler, {})), Direction::to_client);
  EXPECT_EQ(got["kind"], int(PacketKind::no_handler));
}

RC_GTEST_PROP(JsonPacketProperty, ComposedPacketsReadBack, (const std::string& id, const std::vector<int>& data)) {
  const std::string clean = json(id).dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string content = json::parse(clean);
  Packet packet = packet_of(PacketKind::request, json(data).dump());
  packet.id = {content, false};
  const json got = seen(composed(packet), Direction::to_service);
  RC_ASSERT(got["id"] == json(content));
  RC_ASSERT(got["payload"] == json(data));
}

}  // namespace
