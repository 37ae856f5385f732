// PacketCodec, the codec of one tcp connection: which framings it takes with which serializers.
#include "support/named_serializer.hpp"
#include "waybill/serializers/json.hpp"
#include "wire.hpp"

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

}  // namespace
}  // namespace waybill::tcp
