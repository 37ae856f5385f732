// What the Kafka transport is made of and needs no broker: subscriptions, names, options, errors, dead letters' offsets.
#include "flow/decided_offsets.hpp"
#include "protocol/error.hpp"
#include "protocol/settings.hpp"
#include "protocol/startup.hpp"
#include "protocol/statistics.hpp"
#include "vectors.hpp"
#include "waybill/config.hpp"
#include "wire/names.hpp"
#include "wire/subscription.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace waybill::kafka {
namespace {

TEST(KafkaDecisions, SurviveAsOneOffsetAndRangesBehindIt) {
  DecidedOffsets decided(5, "");
  for (const std::int64_t offset : {7, 9, 10, 11}) decided.decide(offset);
  decided.advance({5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(decided.first_open(), 5);
  EXPECT_EQ(decided.metadata(), "7,9-11");
  DecidedOffsets again(decided.first_open(), decided.metadata());
  for (const std::int64_t offset : {0, 4, 7, 9, 10, 11}) EXPECT_TRUE(again.contains(offset)) << offset;
  for (const std::int64_t offset : {5, 6, 8, 12}) EXPECT_FALSE(again.contains(offset)) << offset;
  again.decide(5);
  again.decide(6);
  again.advance({5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(again.first_open(), 8);
  EXPECT_EQ(again.metadata(), "9-11");
}

TEST(KafkaDecisions, PassOverOffsetsThatDoNotExist) {
  DecidedOffsets decided(0, "");
  decided.decide(3);
  decided.advance({3, 8, 9});  // compacted: nothing before, between and behind
  EXPECT_EQ(decided.first_open(), 8);
  decided.decide(8);
  decided.decide(9);
  decided.advance({8, 9});
  EXPECT_EQ(decided.first_open(), 10);
  EXPECT_EQ(decided.metadata(), "");
}

TEST(KafkaDecisions, WhatCannotBeReadIsNotDecided) {
  for (const char* text : {"x", "-", "1-", "3-999999999999", "99999999999999999999", ",1"}) {
    const DecidedOffsets decided(0, text);
    EXPECT_FALSE(decided.contains(3)) << text;
  }
  EXPECT_TRUE(DecidedOffsets(0, "4,x").contains(4));
  EXPECT_EQ(DecidedOffsets(-1, "").first_open(), 0);
}

Routes routes(std::vector<Pattern> patterns, bool requests = true) {
  Routes all;
  for (Pattern& pattern : patterns) all.push_back({std::move(pattern), requests, !requests});
  return all;
}

TEST(KafkaSubscription, RequestsBringTheirReplyTopics) {
  Routes both = routes({"sum"});
  for (const Route& event : routes({"created"}, false)) both.push_back(event);
  Subscription subscription = Subscription::make(both, "dev.").value();
  EXPECT_EQ(subscription.topics(), (std::vector<std::string>{"dev.sum", "dev.sum.reply", "dev.created"}));
  EXPECT_EQ(subscription.subscribed(), (std::vector<std::string>{"dev.sum", "dev.created"}));
  EXPECT_EQ(subscription.channel_of("dev.sum").name, "sum");
  EXPECT_TRUE(subscription.channel_of("dev.sum").may_be_request);
  EXPECT_FALSE(subscription.channel_of("dev.created").may_be_request);
}

TEST(KafkaSubscription, PatternsThatAreNoTopicNamesGetOne) {
  EXPECT_EQ(topic_of("order.created_v2"), "order.created_v2");
  EXPECT_EQ(topic_of(R"({"cmd":"a_b"})"), "wb-_7b_22cmd_22_3a_22a_5fb_22_7d");
  for (const Pattern& pattern : {Pattern({"cmd", "sum"}), Pattern("주문"), Pattern("a b"), Pattern("")}) {
    Subscription subscription = Subscription::make(routes({pattern}), "").value();
    EXPECT_TRUE(is_topic_name(subscription.subscribed().front())) << pattern.route();
    EXPECT_EQ(subscription.channel_of(subscription.subscribed().front()).route, pattern.route());
  }
}

TEST(KafkaSubscription, PatternsThatAreTooLongAreRefusedByName) {
  const std::string longest(243, 'x');  // with ".reply" behind it
  EXPECT_TRUE(Subscription::make(routes({longest}), ""));
  const auto made = Subscription::make(routes({longest + "x"}), "");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().code() == errc::unsupported);
  EXPECT_NE(made.error().message().find(longest + "x"), std::string_view::npos);
}

TEST(KafkaSubscription, WildcardsMatchWholeWordsAndNoReplies) {
  Subscription subscription = Subscription::make(routes({"order.*", "audit.**"}, false), "p.").value();
  EXPECT_TRUE(subscription.topics().empty());
  for (const std::string& expression : subscription.subscribed()) EXPECT_TRUE(expression.starts_with("^p\\."));
  EXPECT_EQ(subscription.channel_of("p.order.created").route, "order.created");
  EXPECT_FALSE(subscription.channel_of("p.order.created").may_be_request);
  EXPECT_FALSE(subscription.channel_of("p.order.reply").is_wanted);
  const TopicRegex one(subscription.subscribed()[0]);
  EXPECT_TRUE(one.is_in("p.order.created"));
  EXPECT_FALSE(one.is_in("p.order.a.b"));
  EXPECT_FALSE(one.is_in("pXorder.created"));
  const TopicRegex rest(subscription.subscribed()[1]);
  EXPECT_TRUE(rest.is_in("p.audit.a.b"));
  EXPECT_FALSE(rest.is_in("p.audit"));
}

TEST(KafkaSubscription, AWildcardTakesNoDeadLettersOfItsOwn) {
  Subscription subscription = Subscription::make(routes({"order.*"}, false), "p.", "p.order.dead").value();
  EXPECT_FALSE(subscription.channel_of("p.order.dead").is_wanted);
  EXPECT_TRUE(subscription.channel_of("p.order.created").is_wanted);
  EXPECT_TRUE(subscription.channel_of("p.order.created").is_matched);
}

TEST(KafkaSubscription, ADeadLetterTopicThatIsListenedToIsRefused) {
  const auto made = Subscription::make(routes({"order.created", "order.dead"}, false), "p.", "p.order.dead");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().code() == errc::invalid_config);
  EXPECT_NE(made.error().message().find("order.dead"), std::string_view::npos);
}

TEST(KafkaSubscription, NativePatternsAreRegularExpressions) {
  Subscription subscription = Subscription::make(routes({native("^conf-rx\\..*")}), "").value();
  EXPECT_EQ(subscription.channel_of("conf-rx.one").route, "^conf-rx\\..*");
  EXPECT_EQ(subscription.channel_of("conf-rx.one").name, "conf-rx.one");
  const auto wrong = Subscription::make(routes({native("orders.>#?[")}), "");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("orders.>#?["), std::string_view::npos);
}

TEST(KafkaStart, NamesTheAddressThatABrokerGaveOfItself) {
  const Options options = Options::from_url(Url::parse("kafka://127.0.0.1:9092").value()).value();
  const Error late(errc::timeout, "no answer in time", End::rejected);
  StartupTrouble own(options);
  own.note(RD_KAFKA_RESP_ERR__TRANSPORT, "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: refused");
  EXPECT_EQ(own.error(late).message().find("advertised"), std::string_view::npos);
  StartupTrouble other(options);
  other.note(RD_KAFKA_RESP_ERR__RESOLVE, "kafka:9092/1: Failed to resolve 'kafka:9092': unknown name");
  const Error told = other.error(late);
  for (const char* part : {"advertised.listeners", "kafka:9092", "127.0.0.1:9092"})
    EXPECT_NE(told.message().find(part), std::string_view::npos) << told.what();
}

TEST(KafkaStart, AMissingRightIsClearAtOnce) {
  const Options options = Options::from_url(Url::parse("kafka://127.0.0.1:9092").value()).value();
  StartupTrouble trouble(options);
  EXPECT_TRUE(trouble.note(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "the group g: Group authorization failed"));
  const Error told = trouble.error(Error(errc::timeout, "no answer in time", End::rejected));
  EXPECT_TRUE(told.code() == errc::unauthorized) << told.what();
}

TEST(KafkaNames, AreThoseOfNestJs) {
  Options options;
  EXPECT_EQ(group_name(options, ""), "nestjs-group-server");
  EXPECT_EQ(group_name(options, "billing"), "billing-server");
  EXPECT_EQ(client_name(options, true), "nestjs-consumer-server");
  EXPECT_EQ(client_name(options, false), "nestjs-consumer-client");
  options.postfix = false;
  options.prefix = "dev.";
  EXPECT_EQ(group_name(options, "billing"), "dev.billing");
  EXPECT_TRUE(is_topic_name("a.B_c-9"));
  for (const char* wrong : {"", ".", "..", "a b", "a/b", "é"}) EXPECT_FALSE(is_topic_name(wrong)) << wrong;
}

Result<Options> options_of(std::string_view url) { return Options::from_url(Url::parse(url).value()); }

TEST(KafkaOptions, NestJsSpellingsAndPassThrough) {
  const Options options =
      options_of("kafkas://u:p@a:1,b/?groupId=g&clientId=c&fromBeginning=true&rdkafka.linger.ms=3&partitions=4")
          .value();
  EXPECT_EQ(options.group_id, "g");
  EXPECT_EQ(options.client_id, "c");
  EXPECT_TRUE(options.from_beginning);
  EXPECT_TRUE(options.tls);
  EXPECT_EQ(options.partitions, 4);
  ASSERT_EQ(options.native.size(), 1u);
  EXPECT_EQ(options.native[0].first, "linger.ms");
}

TEST(KafkaListener, HasTheAddressesOfAllBrokers) {
  asio::io_context loop;
  const Registry registry;
  Environment environment;
  environment.executor = loop.get_executor();
  const auto transport = make_transport(Url::parse("kafka://a:1,b,[::1]").value(), registry).value();
  EXPECT_EQ(transport->make_listener(environment)->address(), "kafka://a:1,b:9092,[::1]:9092");
}

TEST(KafkaOptions, EveryMistakeIsTold) {
  const auto wrong = options_of("kafka://user@h/path?grupId=x&partitions=many&ca=file");
  ASSERT_FALSE(wrong);
  for (const char* part : {"grupId", "partitions", "ca: needs TLS", "password", "no path"}) {
    EXPECT_NE(std::string(wrong.error().what()).find(part), std::string::npos)
        << part << " in " << wrong.error().what();
  }
}

TEST(KafkaOptions, LibrarySettingsCannotTakeTlsAwayUnseen) {
  const auto mistakes_of = [](const char* url) {
    const auto options = options_of(url);
    return options ? "none" : std::string(options.error().what());
  };
  EXPECT_NE(mistakes_of("kafkas://h/?rdkafka.security.protocol=plaintext").find("by the scheme"), std::string::npos);
  EXPECT_NE(mistakes_of("kafkas://h/?rdkafka.security.protocol=sasl_plaintext").find("by the scheme"),
            std::string::npos);
  EXPECT_NE(mistakes_of("kafka://h/?rdkafka.security.protocol=ssl").find("by the scheme"), std::string::npos);
  for (const char* setting :
       {"enable.ssl.certificate.verification=false", "ssl.endpoint.identification.algorithm=none"})
    EXPECT_NE(mistakes_of((std::string("kafkas://h/?rdkafka.") + setting).c_str()).find("verify="), std::string::npos);
  EXPECT_NE(mistakes_of("kafka://h/?rdkafka.ssl.ca.location=x").find("needs TLS"), std::string::npos);
  EXPECT_NE(mistakes_of("kafka://h/?verify=true").find("verify: needs TLS"), std::string::npos);
  // Kerberos has no options of its own.
  EXPECT_EQ(mistakes_of("kafkas://h/?rdkafka.security.protocol=sasl_ssl&rdkafka.sasl.mechanisms=GSSAPI"), "none");
  EXPECT_EQ(mistakes_of("kafkas://h/?verify=false&rdkafka.ssl.cipher.suites=HIGH"), "none");
}

TEST(KafkaOptions, AnAssignmentThatAbortsOldLibrariesIsRefusedWithThem) {
  const auto options = options_of("kafka://h/?rdkafka.partition.assignment.strategy=cooperative-sticky").value();
  const auto conf = make_conf(options, Role::group_consumer, "c", "g");
  ASSERT_EQ(static_cast<bool>(conf), rd_kafka_version() >= 0x020601ff);
  const std::string why = conf ? "2.6.1" : conf.error().what();
  EXPECT_NE(why.find("2.6.1"), std::string::npos) << why;
  EXPECT_TRUE(make_conf(options, Role::producer, "c", "g")) << "of no interest to it";
}

TEST(KafkaOptions, WrongLibrarySettingsAreFoundAtOnce) {
  const auto options = options_of("kafka://h/?rdkafka.no.such.thing=1").value();
  const auto conf = make_conf(options, Role::producer, "c", "g");
  ASSERT_FALSE(conf);
  EXPECT_NE(std::string(conf.error().what()).find("no.such.thing"), std::string::npos);
}

TEST(KafkaOptions, LibrarySettingsOfUrlAndFileWinOverOurs) {
  const Config config = Config::parse("listeners:\n  - url: kafka://h\n    rdkafka: { linger.ms: 7 }\n", "test.yaml");
  for (const Url& url : {config.listeners.at(0).url, Url::parse("kafka://h/?rdkafka.linger.ms=7").value()}) {
    const auto conf = make_conf(Options::from_url(url).value(), Role::producer, "c", "g");
    ASSERT_TRUE(conf) << conf.error().what();
    char value[16] = "";
    std::size_t size = sizeof(value);
    ASSERT_EQ(rd_kafka_conf_get(conf->get(), "linger.ms", value, &size), RD_KAFKA_CONF_OK);
    EXPECT_STREQ(value, "7");
  }
}

TEST(KafkaOptions, AMemberThatIsSilentForSixSecondsIsGivenUpUnlessTheUrlSaysOtherwise) {
  const auto given = [](const std::string& query, const char* name) {
    const auto options = Options::from_url(Url::parse("kafka://h/" + query).value()).value();
    const auto conf = make_conf(options, Role::group_consumer, "c", "g");
    char value[16] = "";
    std::size_t size = sizeof(value);
    EXPECT_TRUE(conf && rd_kafka_conf_get(conf->get(), name, value, &size) == RD_KAFKA_CONF_OK);
    return std::string(value);
  };
  EXPECT_EQ(given("", "session.timeout.ms"), "6000");
  EXPECT_EQ(given("", "heartbeat.interval.ms"), "1000") << "several of them may be lost";
  EXPECT_EQ(given("?session_timeout=45s", "session.timeout.ms"), "45000");
  EXPECT_EQ(given("?session_timeout=1500ms", "heartbeat.interval.ms"), "500");
}

TEST(KafkaOptions, AnIdleListenerAsksItsBrokerTwiceASecond) {
  const auto wait_of = [](Role role) {
    const auto conf = make_conf(Options(), role, "c", "g");
    char value[16] = "";
    std::size_t size = sizeof(value);
    EXPECT_TRUE(conf && rd_kafka_conf_get(conf->get(), "fetch.wait.max.ms", value, &size) == RD_KAFKA_CONF_OK);
    return std::string(value);
  };
  EXPECT_EQ(wait_of(Role::group_consumer), "500");
  EXPECT_EQ(wait_of(Role::reply_consumer), "100");
}

TEST(KafkaStatistics, AreToldNumberByNumber) {
  std::vector<std::pair<std::string, double>> told;
  const auto keep = [&told](std::string_view name, double value) { told.emplace_back(name, value); };
  tell_statistics(R"({ "name": "a:1", "up": true, "msg_cnt":3, "brokers":{"h:9092/1":{ "rtt": { "avg":-1.5 },
                  "toppars":{}}}, "a\"b\u003a": 2, "text": "{\"no\":1}", "lag":7 })",
                  "kafka", keep);
  EXPECT_EQ(told,
            (std::vector<std::pair<std::string, double>>{
                {"kafka.msg_cnt", 3}, {"kafka.brokers.h:9092/1.rtt.avg", -1.5}, {"kafka.a\"b:", 2}, {"kafka.lag", 7}}));
  for (const char* broken : {"{,\"a\":1", "{{\"a\":1}", "{\"a\" 1}", "{\"a\":[1}", "", "7", "}", "{\"a",
                             "{\"a\":", "{\"a\":-", "{}}{\"a\":1"}) {
    tell_statistics(broken, "kafka", [broken](std::string_view, double) { ADD_FAILURE() << broken; });
  }
}

TEST(KafkaErrors, AreConditionsOfOurs) {
  EXPECT_TRUE(make_code(RD_KAFKA_RESP_ERR__AUTHENTICATION) == errc::unauthorized);
  EXPECT_TRUE(make_code(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) == errc::timeout);
  EXPECT_TRUE(make_code(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) == errc::too_large);
  EXPECT_TRUE(make_code(RD_KAFKA_RESP_ERR__TRANSPORT) != errc::timeout);
  EXPECT_EQ(end_of(RD_KAFKA_RESP_ERR__QUEUE_FULL), End::rejected);
  EXPECT_EQ(end_of(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT), End::unknown);
  for (const auto late : {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE}) {
    EXPECT_EQ(end_of(late, RD_KAFKA_MSG_STATUS_NOT_PERSISTED), End::rejected);
    EXPECT_EQ(end_of(late, RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED), End::unknown) << "sent, and to be sent again";
  }
  for (const auto failed_for_good : {RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER})
    EXPECT_EQ(end_of(failed_for_good, RD_KAFKA_MSG_STATUS_NOT_PERSISTED), End::unknown);
}

TEST(KafkaErrors, TroubleAtTheStartIsOneSentence) {
  const Options options = options_of("kafka://h:1").value();
  const Error late(errc::timeout, "late", End::rejected);
  StartupTrouble refused(options);
  EXPECT_FALSE(refused.note(RD_KAFKA_RESP_ERR__TRANSPORT, "Connect to h:1 failed: Connection refused"));
  EXPECT_TRUE(refused.note(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down"));
  EXPECT_TRUE(refused.error(late).code() == errc::refused);
  StartupTrouble password(options);
  EXPECT_TRUE(password.note(RD_KAFKA_RESP_ERR__AUTHENTICATION, "SASL failed"));
  EXPECT_TRUE(password.error(late).code() == errc::unauthorized);
  StartupTrouble certificate(options);
  EXPECT_TRUE(certificate.note(RD_KAFKA_RESP_ERR__TRANSPORT,
                               "ssl://h:1/bootstrap: error:0A000086:SSL routines::"
                               "certificate verify failed"));
  EXPECT_TRUE(certificate.error(late).code() == errc::unauthorized);
  StartupTrouble foreign(options);
  foreign.note(RD_KAFKA_RESP_ERR__BAD_MSG, "h:1: Invalid response size 1095586128");
  EXPECT_NE(std::string(foreign.error(late).what()).find("no Kafka broker"), std::string::npos);
  EXPECT_TRUE(StartupTrouble(options).error(late).code() == errc::refused);
}

TEST(KafkaVectors, LookupsMatchAsNestJsRegularExpressionsDo) {
  std::size_t lines = 0;
  for (const nlohmann::json& vector : test::vectors("kafka_lookup.jsonl")) {
    if (vector["handler"].is_null()) continue;  // texts that the router's lookup never finds
    ++lines;
    Routes all;
    std::string expected = vector["handler"];
    for (std::string handler : vector["handlers"]) {
      const bool is_expression = handler.starts_with('/');
      const std::string text = is_expression ? handler.substr(1, handler.rfind('/') - 1) : handler;
      if (handler == expected) expected = text;
      all.push_back({is_expression ? native(text) : Pattern(text), true, false});
    }
    Subscription subscription = Subscription::make(all, "").value();
    EXPECT_EQ(subscription.channel_of(vector["topic"].get<std::string>()).route, expected) << vector;
  }
  EXPECT_EQ(lines, 7u);
}

}  // namespace
}  // namespace waybill::kafka
