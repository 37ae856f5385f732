// PacketCodec, the codec of one tcp connection: which framings it takes with which serializers.
#include "support/named_serializer.hpp"
#include "waybill/serializers/json.hpp"
#include "wire/wire.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace waybill::tcp {
namespace {

/// What a listener makes of a NestJS frame when this is the only serializer there.
PacketCodec::Outcome read_nest_frame(std::unique_ptr<Serializer> serializer, std::string& problem) {
  asio::io_context loop;
  Environment environment;
  environment.executor = loop.get_executor();
  Registry registry;
  registry.add_serializer(std::move(serializer));
  const CodecRules rules(Direction::to_service, environment, Options{}, registry);
  PacketCodec codec(rules);
  const Slice bytes = Slice::copy("35#{\"pattern\":\"p\",\"data\":1,\"id\":\"abc\"}");
  std::size_t at = 0;
  Packet packet;
  const PacketCodec::Outcome outcome = codec.next(bytes.data(), bytes.size(), at, packet);
  problem = codec.problem();
  return outcome;
}

TEST(TcpCodec, NestJsFramingTakesJsonOnly) {
  std::string problem;
  EXPECT_EQ(read_nest_frame(json::make_json_serializer(), problem), PacketCodec::Outcome::packet) << problem;
  EXPECT_EQ(read_nest_frame(std::make_unique<test::NamedSerializer>("json"), problem), PacketCodec::Outcome::broken);
  EXPECT_NE(problem.find("needs a JSON serializer"), std::string::npos) << problem;
}

/// Writes something of each packet, and then has no memory left.
class BrokenSerializer final : public Serializer {
 public:
  std::string_view name() const noexcept override { return "json"; }
  std::string_view content_type() const noexcept override { return "application/json"; }
  bool is_json() const noexcept override { return true; }
  Result<void> encode(ValueRef, Buffer&) const override { return {}; }
  Result<void> decode(const Slice&, ValueOut) const override { return {}; }
  void compose(const Packet& packet, Buffer& out) const override {
    out.append("{\"id\":\"");
    if (packet.id.text == "bad") throw std::bad_alloc();
    out.append("\"}");
  }
  Result<void> parse(const Slice&, Direction, Packet&) const override { return {}; }
};

TEST(TcpCodec, APacketThatCannotBeComposedLeavesNoHalfFrame) {
  asio::io_context loop;
  Environment environment;
  environment.executor = loop.get_executor();
  Registry registry;
  registry.add_serializer(std::make_unique<BrokenSerializer>());
  const CodecRules rules(Direction::to_service, environment, Options{}, registry);
  PacketCodec codec(rules);
  const Slice first = Slice::copy("2#{}");
  std::size_t at = 0;
  Packet packet;
  codec.next(first.data(), first.size(), at, packet);  // NestJS's framing
  Buffer out;
  packet.id = {"good", false};
  ASSERT_TRUE(codec.write(packet, out));
  packet.id = {"bad", false};
  const Result<void> written = codec.write(packet, out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), errc::internal);
  packet.id = {"good", false};
  ASSERT_TRUE(codec.write(packet, out));
  EXPECT_EQ(out.view(), "9#{\"id\":\"\"}9#{\"id\":\"\"}");
}

}  // namespace
}  // namespace waybill::tcp
