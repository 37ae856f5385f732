// amqp's parts without a broker: options, the matcher, acknowledgements, confirms, errors.
#include "amqp_bytes.hpp"
#include "flow/ack_window.hpp"
#include "flow/confirms.hpp"
#include "flow/recent_requests.hpp"
#include "protocol/error.hpp"
#include "protocol/topology.hpp"
#include "waybill/transports/amqp.hpp"
#include "wire/matcher.hpp"

namespace waybill::amqp {
namespace {

Result<Options> options_of(const std::string& url) { return Options::from_url(Url::parse(url).value()); }

TEST(AmqpOptions, HaveDefaultsThatLoseNothing) {
  const auto options = options_of("amqp://h/?queue=q").value();
  EXPECT_EQ(options.vhost, "/");
  EXPECT_EQ(options.user, "guest");
  EXPECT_TRUE(options.durable && options.persistent_events && options.mandatory);
  EXPECT_FALSE(options.at_most_once || options.persistent_requests || options.wildcards);
  EXPECT_EQ(options.prefetch, 64);
}

TEST(AmqpOptions, TakeNestjsNames) {
  const auto options =
      options_of(
          "amqps://u:p%40@a:1,b/my%2Fvhost?queue=q&durable=false&autoDelete=true&exclusive=true&noAck=true&"
          "prefetchCount=7&exchange=e&exchangeType=fanout&routingKey=r.%23&persistent=true&deadLetterExchange=dlx&"
          "noAssert=true&messageTtl=5s&maxLength=9&maxPriority=3&heartbeat=2s")
          .value();
  EXPECT_EQ(options.vhost, "my/vhost");
  EXPECT_EQ(options.password, "p@");
  EXPECT_EQ(options.hosts.size(), 2u);
  EXPECT_TRUE(options.tls && options.auto_delete && options.exclusive && options.at_most_once && options.no_assert);
  EXPECT_TRUE(options.persistent_requests && options.is_fanout());
  EXPECT_FALSE(options.durable);
  EXPECT_EQ(options.routing_key, "r.#");
  EXPECT_EQ(options.dead_letter_exchange, "dlx");
  EXPECT_EQ(options.heartbeat, std::chrono::seconds(2));
}

TEST(AmqpOptions, ABareHeartbeatIsSecondsAsInEveryAmqpUrl) {
  EXPECT_EQ(options_of("amqp://h/?queue=q&heartbeat=30").value().heartbeat, std::chrono::seconds(30));
  EXPECT_EQ(options_of("amqp://h/?queue=q&heartbeat=30s").value().heartbeat, std::chrono::seconds(30));
  EXPECT_EQ(options_of("amqp://h/?queue=q&heartbeat=0").value().heartbeat, std::chrono::seconds(0));
  EXPECT_EQ(options_of("amqp://h/?queue=q&heartbeat=1500ms").value().heartbeat, std::chrono::seconds(2));
  EXPECT_FALSE(options_of("amqp://h/?queue=q&heartbeat=soon"));
  EXPECT_FALSE(options_of("amqp://h/?queue=q&heartbeat=7200"));
}

TEST(AmqpOptions, AQuorumQueueDropsNothingThatShallBeParked) {
  const auto plain = options_of("amqp://h/?queue=q").value();
  const auto quorum = options_of("amqp://h/?queue=q&queue_type=quorum").value();
  const auto limited = options_of("amqp://h/?queue=q&queue_type=quorum&delivery_limit=7").value();
  EXPECT_EQ(delivery_limit_of(plain, true, 4), std::nullopt);
  EXPECT_EQ(delivery_limit_of(quorum, true, 4), -1);
  EXPECT_EQ(delivery_limit_of(quorum, false, 4), std::nullopt);
  EXPECT_EQ(delivery_limit_of(quorum, true, 3), std::nullopt) << "it has no limit of its own, and knows no -1";
  EXPECT_EQ(delivery_limit_of(limited, true, 4), 7);
  EXPECT_FALSE(options_of("amqp://h/?queue=q&delivery_limit=-2"));
}

TEST(AmqpOptions, OtherArgumentsOfTheQueueAreTakenAndThoseWithAnOptionAreNot) {
  const Options options = options_of("amqp://h/?queue=q&arguments.x-overflow=reject-publish").value();
  ASSERT_EQ(options.arguments.size(), 1u);
  EXPECT_EQ(options.arguments[0], std::pair(std::string("x-overflow"), std::string("reject-publish")));
  const auto known = options_of("amqp://h/?queue=q&arguments.x-max-length=5");
  ASSERT_FALSE(known);
  EXPECT_NE(std::string(known.error().what()).find("write max_length"), std::string::npos) << known.error().what();
  EXPECT_FALSE(options_of("amqp://h/?queue=q&arguments.=5"));
}

TEST(AmqpOptions, MistakesAreToldAllAtOnce) {
  const auto options = options_of("amqp://h/?queu=q&prefetch=many&wildcards=true&exchangeType=fanout&routingKey=x");
  ASSERT_FALSE(options);
  const std::string text = options.error().what();
  for (const char* word : {"queu", "queue", "prefetch", "exchange_type=topic"})
    EXPECT_NE(text.find(word), std::string::npos) << word << " in " << text;
  EXPECT_FALSE(options_of("amqp://h/?wildcards=true"));
  EXPECT_FALSE(options_of("amqp://h/?queue=q&delivery=at_most_once&noAck=false"));
  EXPECT_FALSE(options_of("amqp://h/?queue=q&ca=x.pem"));
  EXPECT_FALSE(options_of("amqp://h/?queue=" + std::string(256, 'q')));
}

TEST(AmqpMatcher, MatchesAsNestjsDoes) {
  std::size_t count = 0;
  for (const json& vector : vectors("rmq_match.jsonl")) {
    if (!vector["pattern"].is_string() || !vector["routing_key"].is_string()) continue;
    ++count;
    EXPECT_EQ(matches_binding(vector["pattern"].get<std::string>(), vector["routing_key"].get<std::string>()),
              vector["matches"].get<bool>())
        << vector["name"];
  }
  EXPECT_GT(count, 70u);
}

TEST(AmqpMatcher, FindsTheHandlerThatNestjsFinds) {
  for (const json& vector : vectors("rmq_lookup.jsonl")) {
    if (!vector["wildcards"].get<bool>()) continue;
    Routes routes;
    for (const json& handler : vector["handlers"]) {
      const Pattern pattern =
          handler.is_string() ? native(handler.get<std::string>()) : Pattern::from_json(handler.dump());
      routes.push_back({pattern, true, false});
    }
    const Matcher matcher(routes);
    const std::string given =
        vector["pattern"].is_string() ? vector["pattern"].get<std::string>() : vector["pattern"].dump();
    const std::string found(matcher.route_for({given, !vector["pattern"].is_string()}));
    std::string expected;
    // Exact ones are core's to find.
    if (vector["handler"].is_string() && vector["handler"].get<std::string>().find_first_of("*#") != std::string::npos)
      expected = vector["handler"];
    EXPECT_EQ(found, expected) << vector["name"];
  }
}

TEST(AmqpMatcher, LeavesWaybillsOwnWildcardsToCoreInTheirOrder) {
  const Routes own_first{{Pattern("a.*"), true, false}, {native("a.#"), true, false}};
  EXPECT_EQ(Matcher(own_first).route_for({"a.b", false}), "");
  EXPECT_EQ(Matcher(own_first).route_for({"a.b.c", false}), "a.#");
  const Routes native_first{{native("a.#"), true, false}, {Pattern("a.*"), true, false}};
  EXPECT_EQ(Matcher(native_first).route_for({"a.b", false}), "a.#");
}

TEST(AmqpTopology, WaybillsRestIsOneWordAtLeast) {
  EXPECT_EQ(binding_key(Pattern("audit.**")), "audit.*.#");
  EXPECT_EQ(binding_key(Pattern("**")), "*.#");
  EXPECT_EQ(binding_key(Pattern("order.*")), "order.*");
  EXPECT_EQ(binding_key(native("all.#")), "all.#");
  const auto options = options_of("amqp://h/?queue=q&wildcards=true").value();
  EXPECT_EQ(queue_name(options, ""), "q");
  EXPECT_EQ(queue_name(options, "billing"), "q.billing");
}

std::vector<std::pair<std::uint64_t, bool>> acks_in(const Buffer& out) {
  std::vector<std::pair<std::uint64_t, bool>> acks;
  Pool pool;
  for (const Frame& frame : frames_of(out.view())) {
    const auto ack = decoded<amqp_basic_ack_t>(frame, pool);
    acks.emplace_back(ack.delivery_tag, ack.multiple != 0);
  }
  return acks;
}
using Acks = std::vector<std::pair<std::uint64_t, bool>>;

TEST(AmqpAckWindow, AcknowledgesTheOldestTogetherAndOthersAlone) {
  AckWindow window;
  for (std::uint64_t tag = 1; tag <= 8; ++tag) window.delivered(tag);
  for (const std::uint64_t tag : {3u, 1u, 2u, 6u, 8u}) EXPECT_TRUE(window.ack(tag));
  EXPECT_FALSE(window.ack(3));
  EXPECT_FALSE(window.ack(99));
  Buffer out;
  window.flush(out, 1);
  EXPECT_EQ(acks_in(out), (Acks{{3, true}, {6, false}, {8, false}}));
  EXPECT_EQ(window.outstanding(), 3u);
  out.clear();
  EXPECT_TRUE(window.forget(4));  // given back meanwhile
  EXPECT_FALSE(window.ack(4));
  EXPECT_TRUE(window.ack(5));
  window.flush(out, 1);
  EXPECT_EQ(acks_in(out), (Acks{{5, false}}));
  out.clear();
  window.flush(out, 1);
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(window.ack(7));
  window.flush(out, 1);
  EXPECT_EQ(window.outstanding(), 0u);
}

TEST(AmqpAckWindow, KnowsWhatIsLeftOfThePlacesOfItsConsumer) {
  AckWindow window;
  window.delivered(1);
  window.fetched(2);
  window.delivered(3);
  window.fetched(4);
  EXPECT_EQ(window.taken_after_flush(), 2u);
  EXPECT_TRUE(window.ack(2));
  EXPECT_TRUE(window.ack(3));
  EXPECT_EQ(window.taken_after_flush(), 1u);
  EXPECT_EQ(window.outstanding_fetched(), 2u) << "nothing is acknowledged yet";
  Buffer out;
  window.flush(out, 1);
  EXPECT_EQ(window.taken_after_flush(), 1u);
  EXPECT_EQ(window.outstanding_fetched(), 1u);
  EXPECT_TRUE(window.forget(4));
  EXPECT_EQ(window.outstanding_fetched(), 0u);
  EXPECT_EQ(window.outstanding(), 1u);
}

/// Confirms with what they told, and messages "0", "1", ... to the queue q.
struct Rig {
  std::vector<std::pair<Ticket, std::string>> told;
  Confirms confirms{[this](Ticket ticket, const Result<Accepted>& outcome, const Confirms::Shown&) {
    told.emplace_back(ticket, outcome ? "ok" : outcome.error().code() == errc::no_receiver ? "returned" : "failed");
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

TEST(AmqpConfirms, ANackOfSeveralQueuesDoesNotSayThatNobodyHasIt) {
  std::vector<End> ends;
  Confirms confirms([&ends](Ticket, const Result<Accepted>& outcome, const Confirms::Shown& message) {
    ends.push_back(outcome.error().end());
    EXPECT_FALSE(message.frames.empty());
  });
  Buffer out;
  confirms.channel_open();
  for (const bool one_queue : {true, false}) {
    confirms.goes_to_one_queue(one_queue);
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

TEST(AmqpRecentRequests, AreFoundOnceAndForgottenInTime) {
  RecentRequests recent;
  const auto id = [](Ticket ticket) { return "id-" + std::to_string(ticket); };
  for (Ticket ticket = 1; ticket <= 20'000; ++ticket) recent.note(id(ticket), ticket);
  EXPECT_EQ(recent.take(id(9'999)), 9'999u);
  EXPECT_EQ(recent.take(id(9'999)), 0u);
  EXPECT_EQ(recent.take(id(9'998)), 9'998u) << "one before it";
  EXPECT_EQ(recent.take(id(20'000)), 20'000u);
  EXPECT_EQ(recent.take(id(1)), 0u);
}

TEST(AmqpRecentRequests, ABurstThatNobodyTakesIsKnownToItsLast) {
  RecentRequests recent;
  const auto id = [](Ticket ticket) { return "id-" + std::to_string(ticket); };
  for (Ticket ticket = 1; ticket <= 10'000; ++ticket) recent.note(id(ticket), ticket);
  Ticket found = 0;
  for (Ticket ticket = 1; ticket <= 10'000; ++ticket) found += recent.take(id(ticket)) == ticket;
  EXPECT_EQ(found, 10'000u);
}

}  // namespace
}  // namespace waybill::amqp
