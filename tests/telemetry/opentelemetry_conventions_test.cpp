// A thousand spans and more, and what the semantic conventions ask of each.
#include "conventions.hpp"
#include "recorded_spans.hpp"
#include "service_rig.hpp"

#include <asio/detached.hpp>

#include <set>

namespace waybill::test {
namespace {

class SpansByConvention : public ServiceRig {};

TEST_P(SpansByConvention, AreAThousandGoodOnes) {
  RecordedSpans spans;
  service->observe(spans.tracing());
  service->on_request({{"cmd", "sum"}}, [](int value) { return value; });
  service->on_request("fails", [](int value) -> int {
    if (value % 2) throw Error("E42", "sold out");
    throw std::runtime_error("an accident");
  });
  service->on_event("order.created", [](int value) {
    if (value % 5 == 0) throw Error("E7", "no").permanent();
  });
  start();
  Client& client = connect();
  client.observe(spans.tracing());
  int ended = 0;
  constexpr int k_rounds = 150;
  const bool is_refused = GetParam().url.starts_with("memory");  // what nobody handles, by the client
  const std::size_t expected = (is_refused ? 7 : 8) * k_rounds;
  const auto count = [&ended](const auto&) { ++ended; };
  for (int i = 0; i < k_rounds; ++i) {
    client.request<int>({{"cmd", "sum"}}, i, count);
    client.request<int>("fails", i, count);
    client.request<int>("nobody", i, count);
    client.emit("order.created", i, asio::detached);
  }
  ASSERT_TRUE(wait_until([&] { return ended == 3 * k_rounds && spans.count() >= expected; }));
  std::set<std::string> names, ids;
  std::map<std::string, std::string> traces;
  for (const RecordedSpan& span : spans.all()) {
    names.insert(span.name);
    ids.insert(span.id);
    traces[span.id] = span.trace_id;
    EXPECT_EQ(Conventions(span).broken(), std::vector<std::string>());
  }
  EXPECT_EQ(ids.size(), expected);
  if (is_refused) names.insert("process");
  EXPECT_EQ(names,
            (std::set<std::string>{"send {\"cmd\":\"sum\"}", "process {\"cmd\":\"sum\"}", "send fails", "process fails",
                                   "send nobody", "process", "send order.created", "process order.created"}));
  for (const RecordedSpan& span : spans.all()) {
    if (span.kind != api::SpanKind::kConsumer) continue;
    EXPECT_EQ(traces[span.parent], span.trace_id) << span.name;
    EXPECT_EQ(span.links.size(), span.name == "process order.created" ? 1u : 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SpansByConvention, all_grounds(), name_of_ground);

struct Told {
  const char* url;
  const char* system;
  const char* address;
  const char* port;
  const char* routing_key;
  const char* group;
};

TEST(SpansOfBrokers, NameSystemServerAndWhatElseIsAskedFor) {
  for (const Told& told :
       {Told{"amqp://user:***@rabbit/?queue=orders", "rabbitmq", "rabbit", "5672", "orders", "(none)"},
        Told{"amqps://rabbit:9000,other/?exchange=e&exchangeType=topic", "rabbitmq", "rabbit", "9000", "order.created",
             "(none)"},
        Told{"amqp://rabbit/?queue=orders&wildcards=true", "rabbitmq", "rabbit", "5672", "order.created", "(none)"},
        Told{"kafka://k:9093/?groupId=billing", "kafka", "k", "9093", "(none)", "billing"},
        Told{"kafka://k/?group_id=billing", "kafka", "k", "9092", "(none)", "billing"},
        Told{"redis://[::1]", "redis", "::1", "6379", "(none)", "(none)"},
        Told{"tcps://127.0.0.1:3000", "tcp", "127.0.0.1", "3000", "(none)", "(none)"}}) {
    RecordedSpans spans;
    TraceContext trace;
    const auto client = spans.tracing()->observer_of({ObservedSource::Kind::client, told.url, {}});
    client->call_traced({told.url, "order.created", false, 1, 7}, trace);
    client->call_ended({told.url, "order.created", false, 1}, nullptr, {});
    const auto listener = spans.tracing()->observer_of({ObservedSource::Kind::listener, told.url, {}});
    listener->message_traced({told.url, "order.created", false, 1, 1}, trace);
    listener->message_settled({told.url, "order.created", false, 1, 1}, Fate::acknowledged);
    ASSERT_EQ(spans.count(), 2u);
    for (const RecordedSpan& span : spans.all()) {
      EXPECT_EQ(Conventions(span).broken(), std::vector<std::string>()) << told.url;
      EXPECT_EQ(span.at("messaging.system"), told.system);
      EXPECT_EQ(span.at("server.address"), told.address);
      EXPECT_EQ(span.at("server.port"), told.port);
      EXPECT_EQ(span.at("messaging.rabbitmq.destination.routing_key"), told.routing_key);
    }
    EXPECT_EQ(spans.of("send order.created").at("messaging.message.body.size"), "7");
    EXPECT_EQ(spans.of("process order.created").at("messaging.consumer.group.name"), told.group);
  }
}

}  // namespace
}  // namespace waybill::test
