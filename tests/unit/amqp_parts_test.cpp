// amqp's parts without a broker: options, the matcher, acknowledgements, errors.
#include "amqp_bytes.hpp"
#include "flow/ack_window.hpp"
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

}  // namespace
}  // namespace waybill::amqp
