// Services and clients over the transport: payloads that are nested deeper than anybody reads.
#include "conformance.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace waybill::conformance {
namespace {

constexpr std::size_t k_depth = 200;

/// `[[0],"x",[[...]]]`: also what stands in the place of a packet's other members is in it.
Payload deep_payload(const Serializer& serializer) {
  if (serializer.is_json()) {
    const std::string text = "[[0],\"x\"," + std::string(k_depth, '[') + std::string(k_depth, ']') + ']';
    return Payload(Slice::copy(text), serializer);
  }
  return Payload(Slice::copy(std::string(k_depth, '\x91') + '\x01'), serializer);
}

/// Some carriers do not look at a payload that nobody looks at.
Error error_of(const Result<Payload>& result) {
  if (!result) return result.error();
  try {
    result->bytes();
  } catch (const Error& error) {
    return error;
  }
  return Error("none", "there is no error");
}

TEST_P(TransportConformance, AReplyThatIsNestedTooDeepEndsItsOwnCallAlone) {
  const auto service = make_service();
  Gate gate(loop);
  service->on_request("deep", [this] { return deep_payload(*serializer); });
  service->on_request("wait", [&gate](int number) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return number;
  });
  start(*service);
  const auto client = make_client(*service);
  const auto other = request<int>(*client, "wait", 7);
  const auto typed = request<std::vector<int>>(*client, "deep", Payload());
  const auto raw = request<Payload>(*client, "deep", Payload());
  ASSERT_TRUE(wait_for(typed));
  ASSERT_TRUE(wait_for(raw));
  ASSERT_FALSE(**typed);
  EXPECT_TRUE((*typed)->error().code() == errc::payload_mismatch) << (*typed)->error().what();
  const Error error = error_of(**raw);
  EXPECT_TRUE(error.code() == errc::payload_mismatch) << error.what();
  EXPECT_NE(error.message().find("nested deeper than 128"), std::string_view::npos) << error.what();
  gate.open();
  ASSERT_TRUE(wait_for(other));
  ASSERT_TRUE(**other) << (*other)->error().what();
  EXPECT_EQ((*other)->value(), 7);
}

TEST_P(TransportConformance, ARequestThatIsNestedTooDeepIsAnsweredSo) {
  const auto service = make_service();
  std::vector<std::string> taken;
  const auto take = [&taken](const Payload& payload) { taken.emplace_back(payload.bytes().view()); };
  service->on_request("raw", take);
  service->on_request("echo", [](int number) { return number; });
  service->on_event("raw", take);
  service->on_event("last", [&taken] { taken.emplace_back("last"); });
  start(*service);
  const auto client = make_client(*service);
  const auto deep = request<Payload>(*client, "raw", deep_payload(*serializer));
  emit(*client, "raw", deep_payload(*serializer));
  const auto other = request<int>(*client, "echo", 7);
  ASSERT_TRUE(wait_for(deep));
  ASSERT_TRUE(wait_for(other));
  ASSERT_FALSE(**deep);
  EXPECT_EQ((*deep)->error().name(), "payload_mismatch") << (*deep)->error().what();
  EXPECT_NE((*deep)->error().message().find("nested deeper than 128"), std::string_view::npos)
      << (*deep)->error().what();
  EXPECT_EQ((*other)->value(), 7);
  emit(*client, "last", Payload());
  ASSERT_TRUE(wait_for([&taken] { return !taken.empty(); }));
  EXPECT_EQ(taken, std::vector<std::string>{"last"});
}

}  // namespace
}  // namespace waybill::conformance
