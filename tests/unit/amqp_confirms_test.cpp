// What amqp has sent and nobody has confirmed: how it ends, and what is sent again.
#include "amqp_bytes.hpp"
#include "flow/confirms.hpp"
#include "flow/recent_requests.hpp"

namespace waybill::amqp {
namespace {

/// Confirms with what they told, and messages "0", "1", ... to the queue q.
struct Rig {
  std::vector<std::pair<Ticket, std::string>> told;
  Confirms confirms{[this](Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown&) {
    const auto failure = [&outcome] {
      if (outcome.error().code() != errc::no_receiver) return "failed";
      return outcome.error().end() == End::unknown ? "perhaps delivered" : "returned";
    };
    told.emplace_back(ticket, outcome ? "ok" : failure());
  }};
  Buffer out;

  void add(Ticket ticket, const std::string& text) {
    Packet packet;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern.text = "p";
    packet.serializer = &json_format();
    const std::string quoted = '"' + text + '"';
    packet.payload = Slice::copy(quoted);
    Envelope envelope;
    envelope.channel = 2;
    envelope.routing_key = "q";
    Buffer& buffer = confirms.buffer();
    const std::size_t begins_at = buffer.size();
    const auto layout = append_message(buffer, envelope, packet, json_format(), 4'096);
    confirms.added(ticket, begins_at, layout.value());
    confirms.send(out);
  }
  /// Payloads sent since the last call; resent ones with a star.
  std::vector<std::string> sent() {
    std::vector<std::string> texts;
    bool is_marked = false;
    for (const Frame& frame : frames_of(out.view())) {
      if (frame.type == FrameType::header) is_marked = frame.payload.find(header::k_resent) != std::string_view::npos;
      if (frame.type == FrameType::body)
        texts.push_back(json::parse(frame.payload)["data"].get<std::string>() + (is_marked ? "*" : ""));
      if (frame.type == FrameType::header) {
        Properties properties;
        EXPECT_TRUE(read_properties(frame.payload, properties));
      }
    }
    out.clear();
    return texts;
  }
};
using Texts = std::vector<std::string>;
using Told = std::vector<std::pair<Ticket, std::string>>;

TEST(AmqpConfirms, TellOnceInOneGoOrOneByOne) {
  Rig rig;
  rig.confirms.channel_open();
  for (int i = 0; i < 5; ++i) rig.add(static_cast<Ticket>(i + 1), std::to_string(i));
  EXPECT_EQ(rig.sent(), (Texts{"0", "1", "2", "3", "4"}));
  rig.confirms.confirmed(2, false);
  rig.confirms.confirmed(3, true);
  rig.confirms.confirmed(3, true);
  rig.confirms.refused(4, false);
  rig.confirms.confirmed(99, true);
  EXPECT_EQ(rig.told, (Told{{2, "ok"}, {1, "ok"}, {3, "ok"}, {4, "failed"}}));
  EXPECT_EQ(rig.confirms.size(), 1u);
  rig.confirms.confirmed(0, true);
  EXPECT_TRUE(rig.confirms.empty());
  EXPECT_EQ(rig.confirms.bytes(), 0u);
  rig.add(9, "next");
  rig.confirms.confirmed(6, false);
  EXPECT_EQ(rig.told.back(), (std::pair<Ticket, std::string>(9, "ok")));
}

TEST(AmqpConfirms, OneThatIsNeverConfirmedHoldsUpNoOthersAndKeepsNothingOfThem) {
  Rig rig;
  rig.confirms.channel_open();
  rig.add(1, "stuck");
  const std::size_t one = rig.confirms.bytes();
  std::uint64_t tag = 1;
  for (Ticket ticket = 2; ticket <= 10'000; ++ticket) {
    rig.add(ticket, "quick");
    rig.confirms.confirmed(++tag, false);
    ASSERT_EQ(rig.told.back(), (std::pair<Ticket, std::string>(ticket, "ok")));
    ASSERT_LT(rig.confirms.bytes(), 200 * one);
    ASSERT_LT(rig.confirms.size(), 200u);
  }
  rig.add(10'001, "next");
  rig.sent();
  rig.confirms.channel_closed(Error(errc::connection_lost, "closed", End::unknown));
  rig.confirms.channel_open();
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"stuck*"})) << "one by one, and nothing that was confirmed";
  rig.confirms.confirmed(1, false);
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"next*"}));
  rig.confirms.confirmed(2, true);
  EXPECT_TRUE(rig.confirms.empty());
  EXPECT_EQ(rig.told.size(), 10'001u);
}

TEST(AmqpConfirms, WaitForTheChannel) {
  Rig rig;
  rig.add(1, "early");
  EXPECT_TRUE(rig.out.empty());
  rig.confirms.channel_open();
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"early"}));
}

TEST(AmqpConfirms, AMessageGivenBackIsNotConfirmed) {
  Rig rig;
  rig.confirms.channel_open();
  rig.add(1, "a");
  rig.add(2, "b");
  rig.add(3, "b");
  const std::string body = R"({"pattern":"p","data":"b"})";
  rig.confirms.returned("", "q", body, "312 NO_ROUTE");
  rig.confirms.returned("", "q", "nobody sent this", "312 NO_ROUTE");
  rig.confirms.returned("", "other", body, "312 NO_ROUTE");
  rig.confirms.confirmed(3, true);
  EXPECT_EQ(rig.told, (Told{{1, "ok"}, {2, "returned"}, {3, "ok"}}));
}

TEST(AmqpConfirms, AMessageThatClosesTheChannelCostsNoOther) {
  Rig rig;
  rig.confirms.channel_open();
  for (int i = 0; i < 4; ++i) rig.add(static_cast<Ticket>(i + 1), std::to_string(i));
  rig.sent();
  const Error why(errc::invalid_config, "message 1 is bad", End::rejected);
  rig.confirms.channel_closed(why);
  EXPECT_TRUE(rig.told.empty());
  rig.add(5, "4");
  rig.confirms.channel_open();
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"0*"}));
  rig.confirms.confirmed(1, false);
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"1*"}));
  rig.confirms.channel_closed(why);
  rig.confirms.channel_open();
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"2*"}));
  rig.confirms.confirmed(1, false);
  rig.confirms.send(rig.out);
  rig.confirms.confirmed(2, false);
  rig.confirms.send(rig.out);
  EXPECT_EQ(rig.sent(), (Texts{"3*", "4"}));
  rig.confirms.confirmed(3, true);
  EXPECT_EQ(rig.told, (Told{{1, "ok"}, {2, "failed"}, {3, "ok"}, {4, "ok"}, {5, "ok"}}));
}

TEST(AmqpConfirms, ANackEndsAMessageAsItsQueuesMeanIt) {
  std::vector<End> ends;
  Confirms confirms([&ends](Ticket, const Result<Accepted>& outcome, const Confirms::Shown& message) {
    ends.push_back(outcome.error().end());
    EXPECT_FALSE(message.frames.empty());
  });
  Buffer out;
  confirms.channel_open();
  for (const End end : {End::rejected, End::unknown}) {
    confirms.nack_means(end);
    Packet packet;
    packet.serializer = &json_format();
    const std::size_t begins_at = confirms.buffer().size();
    const auto layout = append_message(confirms.buffer(), Envelope(), packet, json_format(), 4'096);
    confirms.added(1, begins_at, layout.value());
    confirms.send(out);
    confirms.refused(0, true);
  }
  EXPECT_EQ(ends, (std::vector<End>{End::rejected, End::unknown}));
}

TEST(AmqpConfirms, WhatAQueueThatIsGoneGivesBackMayHaveBeenDelivered) {
  Rig rig;
  rig.confirms.channel_open();
  rig.add(1, "a");
  rig.confirms.doubt();
  rig.add(2, "b");
  for (const char* body : {R"({"pattern":"p","data":"a"})", R"({"pattern":"p","data":"b"})"})
    rig.confirms.returned("", "q", body, "312 NO_ROUTE");
  rig.confirms.confirmed(2, true);
  EXPECT_EQ(rig.told, (Told{{1, "perhaps delivered"}, {2, "returned"}}));
}

TEST(AmqpRecentRequests, AreDoubtedWhenTheirQueueHasGoneUnderThem) {
  RecentRequests recent;
  recent.note("before", 1);
  recent.doubt();
  recent.note("after", 2);
  EXPECT_TRUE(recent.take("before").is_doubted);
  EXPECT_FALSE(recent.take("after").is_doubted);
}

TEST(AmqpRecentRequests, AreFoundOnceAndForgottenInTime) {
  RecentRequests recent;
  const auto id = [](Ticket ticket) { return "id-" + std::to_string(ticket); };
  for (Ticket ticket = 1; ticket <= 20'000; ++ticket) recent.note(id(ticket), ticket);
  EXPECT_EQ(recent.take(id(9'999)).ticket, 9'999u);
  EXPECT_EQ(recent.take(id(9'999)).ticket, 0u);
  EXPECT_EQ(recent.take(id(9'998)).ticket, 9'998u) << "one before it";
  EXPECT_EQ(recent.take(id(20'000)).ticket, 20'000u);
  EXPECT_EQ(recent.take(id(1)).ticket, 0u);
}

TEST(AmqpRecentRequests, ABurstThatNobodyTakesIsKnownToItsLast) {
  RecentRequests recent;
  const auto id = [](Ticket ticket) { return "id-" + std::to_string(ticket); };
  for (Ticket ticket = 1; ticket <= 10'000; ++ticket) recent.note(id(ticket), ticket);
  Ticket found = 0;
  for (Ticket ticket = 1; ticket <= 10'000; ++ticket) found += recent.take(id(ticket)).ticket == ticket;
  EXPECT_EQ(found, 10'000u);
}

}  // namespace
}  // namespace waybill::amqp
