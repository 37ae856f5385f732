// What is sent once more is the message that came: its bytes, but for waybill's own marks and what a broker would mind.
#include "amqp_bytes.hpp"
#include "wire/pass_on.hpp"
#include "wire/table.hpp"

namespace waybill::amqp {
namespace {

constexpr std::string_view k_body = R"({"data":[1],"pattern":"p","theirs":true})";

std::string entry(std::string_view name, char kind, std::string_view value) {
  std::string bytes(1, static_cast<char>(name.size()));
  return bytes.append(name).append(1, kind).append(value);
}
std::string long_text(std::string_view text) {
  std::string size(4, '\0');
  store<std::uint32_t>(size.data(), static_cast<std::uint32_t>(text.size()));
  return size.append(text);
}

/// The payload of a header frame, then a gap, then the body: as a session shows it.
std::string message_of(const std::string& table, bool has_user = true) {
  Buffer out;
  HeaderFrame frame(out, 1);
  frame.text(flag::k_content_type, "application/json");
  frame.table();
  out.append(long_text(table));
  frame.number(flag::k_delivery_mode, std::optional<std::uint8_t>(1));
  frame.text(flag::k_correlation_id, "c-1");
  frame.text(flag::k_expiration, "60000");
  frame.number(flag::k_timestamp, std::optional<std::uint64_t>(77));
  if (has_user) frame.text(flag::k_user_id, "somebody");
  frame.text(flag::k_app_id, "app");
  frame.finish();
  std::string header(out.view().substr(k_frame_head, out.size() - k_frame_overhead));
  store<std::uint64_t>(header.data() + 4, k_body.size());
  return header + "\xce\x03gap" + std::string(k_body);
}

struct Copy {
  std::string bytes, table, body;
  Properties properties;
  Headers headers;
};
Copy copy_of(const std::string& message, const Marks& marks, std::uint32_t frame_max = 131'072) {
  Buffer out;
  Envelope envelope;
  envelope.channel = 2;
  envelope.routing_key = "q";
  envelope.mandatory = true;
  const auto layout = append_again(out, envelope, Slice::copy(message).view(), marks, frame_max);
  Copy copy;
  EXPECT_TRUE(layout) << layout.error().what();
  copy.bytes = out.view();
  const auto frames = frames_of(copy.bytes);
  EXPECT_TRUE(read_properties(frames[1].payload, copy.properties));
  copy.table = copy.properties.headers.value_or("");
  for (std::size_t i = 2; i < frames.size(); ++i) copy.body += frames[i].payload;
  EXPECT_EQ(copy.properties.body_size, copy.body.size());
  EXPECT_EQ(load<std::uint32_t>(copy.bytes.data() + layout->table_at), copy.table.size());
  std::string typed;
  EXPECT_TRUE(read_table(copy.table, copy.headers, typed));
  return copy;
}

TEST(AmqpPassOn, KeepsBodyPropertiesAndTypesOfARetriedMessage) {
  const std::string typed = entry("n", 'I', std::string("\0\0\0\7", 4)) + entry("when", 'T', std::string(8, '\1')) +
                            entry("price", 'D', std::string("\2\0\0\1\0", 5)) + entry("raw", 'x', long_text("\xff"));
  Marks marks;
  marks.attempt = 3;
  const Copy copy = copy_of(message_of(typed + entry("waybill-attempt", 'S', long_text("2"))), marks);
  EXPECT_EQ(copy.body, k_body) << "members that nobody knows are kept";
  EXPECT_TRUE(copy.table.starts_with(typed));
  EXPECT_EQ(*copy.headers.find("waybill-attempt"), "3");
  EXPECT_EQ(*copy.properties.correlation_id, "c-1");
  EXPECT_EQ(*copy.properties.expiration, "60000") << "it still expires";
  EXPECT_EQ(*copy.properties.timestamp, 77u);
  EXPECT_EQ(*copy.properties.delivery_mode, 1);
  EXPECT_EQ(*copy.properties.app_id, "app");
}

TEST(AmqpPassOn, LeavesOutWhatTheBrokerWouldMindOrActUpon) {
  Marks marks;
  marks.attempt = 2;
  const std::string table = entry("CC", 'A', long_text(entry("", 'S', "").substr(1))) +
                            entry("BCC", 'A', long_text("")) + entry("x-delivery-count", 'l', std::string(8, '\2')) +
                            entry("waybill-resent", 'S', long_text("1"));
  const Copy copy = copy_of(message_of(table), marks);
  EXPECT_FALSE(copy.properties.user_id) << "another user may not say it";
  EXPECT_EQ(*copy.headers.find("waybill-user-id"), "somebody");
  for (const char* name : {"CC", "BCC", "x-delivery-count", "waybill-resent"})
    EXPECT_EQ(copy.headers.find(name), nullptr) << name;
  const Copy again = copy_of(message_of(entry("waybill-user-id", 'S', long_text("first")), false), marks);
  EXPECT_EQ(*again.headers.find("waybill-user-id"), "first");
}

TEST(AmqpPassOn, ADeadLetterSaysWhyWithinABoundAndNeverExpires) {
  Marks marks;
  marks.attempt = 5;
  marks.origin = "orders";
  const std::string long_error = std::string(k_longest_error - 1, 'e') + "\xc3\xa4" + std::string(200'000, 'e');
  marks.error = long_error;
  const Copy copy = copy_of(message_of(""), marks);
  EXPECT_EQ(copy.headers.find("waybill-error")->size(), k_longest_error - 1) << "cut between characters";
  EXPECT_EQ(*copy.headers.find("waybill-origin"), "orders");
  EXPECT_FALSE(copy.properties.expiration);
  EXPECT_EQ(*copy.properties.delivery_mode, 2);
  const Copy tight = copy_of(message_of(entry("big", 'S', long_text(std::string(3'000, 'b')))), marks, 4'096);
  EXPECT_EQ(*tight.headers.find("waybill-error"), "") << "rather no reason than no dead letter";
  EXPECT_EQ(tight.headers.find("big")->size(), 3'000u);
}

TEST(AmqpPassOn, AReplayedMessageIsNew) {
  const std::string own = entry("waybill-attempt", 'S', long_text("5")) + entry("waybill-error", 'S', long_text("e")) +
                          entry("waybill-origin", 'S', long_text("q"));
  const std::string theirs = entry("n", 'b', "\7");
  const Copy copy = copy_of(message_of(own + theirs), Marks());
  EXPECT_EQ(copy.table.substr(0, theirs.size()), theirs);
  for (const char* name : {"waybill-attempt", "waybill-error", "waybill-origin"})
    EXPECT_EQ(copy.headers.find(name), nullptr) << name;
}

TEST(AmqpPassOn, WhatCannotBeReadIsRefusedOrSentBare) {
  Marks marks;
  marks.attempt = 1;
  marks.origin = "q";
  Buffer out;
  out.append("before");
  EXPECT_FALSE(append_again(out, Envelope(), "short", marks, 4'096));
  const std::string broken = message_of("\x05nope");
  EXPECT_FALSE(append_again(out, Envelope(), broken, marks, 4'096));
  EXPECT_EQ(out.view(), "before");
  EXPECT_TRUE(append_bare(out, Envelope(), broken, marks, 4'096));
}

TEST(AmqpAttempts, CountThoseThatABrokerCountsToo) {
  const auto attempt = [](const char* own, const char* brokers) {
    Headers headers;
    if (own) headers.set("waybill-attempt", own);
    if (brokers) headers.set("x-delivery-count", brokers);
    return attempt_of(headers);
  };
  EXPECT_EQ(attempt(nullptr, nullptr), 1);
  EXPECT_EQ(attempt("3", nullptr), 3);
  EXPECT_EQ(attempt(nullptr, "4"), 5) << "four deliveries before, to processes that died";
  EXPECT_EQ(attempt("3", "2"), 5) << "the third attempt killed two processes";
  EXPECT_EQ(attempt("x", "-7"), 1);
}

}  // namespace
}  // namespace waybill::amqp
