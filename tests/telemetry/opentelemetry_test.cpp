// Spans of calls and messages: which there are, whose children they are, and what they say of errors, retries and parking.
#include "recorded_spans.hpp"
#include "service_rig.hpp"
#include "waybill/testing.hpp"

#include <asio/detached.hpp>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

class Spans : public ServiceRig {
 protected:
  Client& traced(double ratio = 1, std::string options = "?timeout=60s") {
    Client& client = connect(std::move(options));
    client.observe(spans.tracing(ratio));
    return client;
  }
  Result<int> ask(Client& client, const std::string& pattern, const CallOptions& options = CallOptions()) {
    std::optional<Result<int>> answer;
    client.request<int>(pattern, 1, options, [&answer](Result<int> result) { answer.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
    return *std::move(answer);
  }
  bool wait_for(std::size_t count) {
    return wait_until([&] { return spans.count() >= count; });
  }
  RecordedSpans spans;
};

TEST_P(Spans, OfARequestAreAClientAndItsChildAConsumer) {
  service->observe(spans.tracing());
  service->on_request("sum", [](int value) { return value; });
  start();
  EXPECT_TRUE(ask(traced(), "sum"));
  ASSERT_TRUE(wait_for(2));
  const RecordedSpan& call = spans.of("send sum");
  const RecordedSpan& message = spans.of("process sum");
  EXPECT_EQ(call.kind, api::SpanKind::kClient);
  EXPECT_EQ(call.parent, k_no_parent);
  EXPECT_EQ(message.kind, api::SpanKind::kConsumer);
  EXPECT_EQ(message.parent, call.id);
  EXPECT_EQ(message.trace_id, call.trace_id);
  EXPECT_TRUE(message.links.empty());
  EXPECT_FALSE(call.is_failed || message.is_failed);
  EXPECT_LE(message.took, call.took);
}

TEST_P(Spans, OfAnEventAreAProducerAndAConsumerThatIsLinkedToIt) {
  service->observe(spans.tracing());
  service->on_event("happened", [](int) {});
  start();
  traced().emit("happened", 1, asio::detached);
  ASSERT_TRUE(wait_for(2));
  const RecordedSpan& call = spans.of("send happened");
  const RecordedSpan& message = spans.of("process happened");
  EXPECT_EQ(call.kind, api::SpanKind::kProducer);
  EXPECT_EQ(message.kind, api::SpanKind::kConsumer);
  EXPECT_EQ(message.parent, call.id);
  EXPECT_EQ(message.links, std::vector<std::string>{call.id});
}

TEST_P(Spans, OfCallsOfAHandlerBelongToItsMessage) {
  Client* inner = nullptr;
  service->observe(spans.tracing());
  service->on_request("back", [](int value) { return value; });
  service->on_request("front", [&inner](int value, Context& context) -> asio::awaitable<int> {
    co_return co_await inner->request<int>("back", value, context.call_options());
  });
  start();
  inner = &traced();
  EXPECT_TRUE(ask(traced(), "front"));
  ASSERT_TRUE(wait_for(4));
  EXPECT_EQ(spans.of("process back").parent, spans.of("send back").id);
  EXPECT_EQ(spans.of("send back").parent, spans.of("process front").id);
  EXPECT_EQ(spans.of("process front").parent, spans.of("send front").id);
  for (const RecordedSpan& span : spans.all()) EXPECT_EQ(span.trace_id, spans.all().front().trace_id);
}

TEST_P(Spans, OfSpansOfTheHostAreParentsAndChildren) {
  service->observe(spans.tracing());
  service->on_request("sum", [this](int value, Context& context) {
    api::StartSpanOptions options;
    options.parent = opentelemetry::span_context(context.trace());
    spans.provider()->GetTracer("host")->StartSpan("query", options)->End();
    return value;
  });
  start();
  const auto outer = spans.provider()->GetTracer("host")->StartSpan("outer");
  CallOptions options;
  opentelemetry::trace_context(outer->GetContext()).write_to(options.headers);
  EXPECT_TRUE(ask(traced(), "sum", options));
  outer->End();
  ASSERT_TRUE(wait_for(4));
  EXPECT_EQ(spans.of("send sum").parent, spans.of("outer").id);
  EXPECT_EQ(spans.of("query").parent, spans.of("process sum").id);
}

TEST_P(Spans, OfWhatFailsSayWhy) {
  service->observe(spans.tracing());
  service->on_request("coded", [](int) -> int { throw Error("E42", "sold out"); });
  service->on_request("wrong", [](int) -> int { throw std::runtime_error("a secret"); });
  start();
  Client& client = traced();
  EXPECT_FALSE(ask(client, "coded"));
  EXPECT_FALSE(ask(client, "wrong"));
  EXPECT_FALSE(ask(client, "nobody"));
  const bool is_refused = GetParam().url.starts_with("memory");  // by the client: nobody listens
  ASSERT_TRUE(wait_for(is_refused ? 5 : 6));
  for (const char* name : {"send coded", "process coded"}) {
    EXPECT_TRUE(spans.of(name).is_failed) << name;
    EXPECT_EQ(spans.of(name).at("error.type"), "E42") << name;
  }
  EXPECT_TRUE(spans.of("process wrong").is_failed);
  EXPECT_TRUE(spans.of("send wrong").is_failed);
  for (const auto& [name, value] : spans.of("process wrong").attributes)
    EXPECT_EQ(value.find("secret"), std::string::npos);
  EXPECT_EQ(spans.of("send nobody").at("error.type"),
            make_error_code(is_refused ? errc::no_receiver : errc::no_handler).message());
}

TEST_P(Spans, OfACallThatIsSentAgainTellEachAttempt) {
  std::atomic<int> handled{0};
  service->observe(spans.tracing());
  service->on_request("sum", [](int value) { return value; });
  service->use({"refuse", [&handled](Context&, Next next) -> asio::awaitable<Result<void>> {
                  if (++handled < 3) co_return Error(errc::overloaded, "not now", End::rejected);
                  co_return co_await next();
                }});
  start();
  Client& client = traced();
  middleware::RetryOptions options;
  options.first = 1ms;
  client.use(middleware::retry(options));
  EXPECT_TRUE(ask(client, "sum"));
  ASSERT_TRUE(wait_for(4));
  const RecordedSpan& call = spans.of("send sum");
  ASSERT_EQ(call.events.size(), 2u);
  EXPECT_EQ(call.events[1].name, "waybill.retry");
  EXPECT_EQ(call.events[1].attributes.at("waybill.attempt"), "3");
  EXPECT_EQ(call.at("waybill.attempt"), "3");
  EXPECT_FALSE(call.is_failed);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(spans.of("process sum", i).parent, call.id);
}

TEST_P(Spans, AreNotMadeOfTracesThatOthersDoNotSample) {
  service->observe(spans.tracing());
  std::string seen;
  std::mutex mutex;
  service->on_request("sum", [&](int value, Context& context) {
    const std::lock_guard lock(mutex);
    seen = context.trace().parent->to_text();
    return value;
  });
  start();
  CallOptions options;
  const Traceparent before = Traceparent::start(false);
  options.headers.set("traceparent", before.to_text());
  EXPECT_TRUE(ask(traced(), "sum", options));
  ASSERT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(spans.count(), 0u);
  EXPECT_EQ(seen.substr(0, 35), before.to_text().substr(0, 35));
  EXPECT_EQ(seen.substr(52), "-00");
}

TEST_P(Spans, AreMadeOfAShareOfTheTracesThatBeginHere) {
  service->observe(spans.tracing());
  service->on_request("sum", [](int value) { return value; });
  start();
  constexpr int k_calls = 600;
  for (const double ratio : {0.0, 0.25}) {
    Client& client = traced(ratio);
    int ended = 0;
    for (int i = 0; i < k_calls; ++i) client.request<int>("sum", i, [&ended](Result<int>) { ++ended; });
    ASSERT_TRUE(wait_until([&] { return ended == k_calls && is_idle(); }));
    if (ratio == 0.0) {
      EXPECT_EQ(spans.count(), 0u);
    }
  }
  EXPECT_NEAR(static_cast<double>(spans.count()), 2 * 0.25 * k_calls, 2 * 75);  // seven times its deviation
  EXPECT_EQ(spans.count() % 2, 0u) << "both sides or none";
}

INSTANTIATE_TEST_SUITE_P(All, Spans, all_grounds(), name_of_ground);

/// In virtual time.
struct Bed {
  explicit Bed(std::string_view options)
      : service(bed.executor(), bed.config(options), bed.registry()), client(bed.client()) {
    service.observe(spans.tracing());
    client.observe(spans.tracing());
  }
  ~Bed() {
    client.close();
    service.close();
  }
  TestBed bed;
  RecordedSpans spans;
  Service service;
  Client client;
};

asio::awaitable<void> emit(Client& client, const char* pattern) {
  const Pattern named(pattern);
  co_await client.emit(named, 1);
  Timer pause(client.executor(), 60s);
  co_await pause.async_wait();
}

TEST(SpansInVirtualTime, OfAnEventThatIsRetriedAndParkedSaySo) {
  Bed rig("attempts=3&backoff=1s&dead_letter=dead");
  rig.service.on_event("charge", [](int) { throw Error("E42", "sold out"); });
  rig.bed.run(rig.service.start());
  rig.bed.run(emit(rig.client, "charge"));
  ASSERT_EQ(rig.spans.count(), 4u);
  const std::string parent = rig.spans.of("send charge").id;
  for (const std::size_t nth : {0u, 1u, 2u}) {
    const RecordedSpan& span = rig.spans.of("process charge", nth);
    EXPECT_EQ(span.parent, parent);
    EXPECT_EQ(span.links, std::vector<std::string>{parent});
    EXPECT_TRUE(span.is_failed);
    EXPECT_EQ(span.at("error.type"), "E42");
    EXPECT_EQ(span.at("waybill.attempt"), nth ? std::to_string(nth + 1) : "(none)");
    ASSERT_EQ(span.events.size(), 1u);
    EXPECT_EQ(span.events[0].name, nth < 2 ? "waybill.retry" : "waybill.parked");
    EXPECT_LT(span.took, 500ms) << "its pause before the next attempt is not part of it";
  }
}

TEST(SpansOfAListener, OfAMessageThatNobodyHandlesSaySo) {
  RecordedSpans spans;
  TraceContext trace;
  const auto listener = spans.tracing()->observer_of({ObservedSource::Kind::listener, "memory://a", {}});
  listener->message_traced({"memory://a", "", false, 1, 1}, trace);
  listener->message_settled({"memory://a", "", false, 1, 1}, Fate::parked);
  const RecordedSpan& span = spans.of("process");
  EXPECT_EQ(span.at("error.type"), "no_handler");
  ASSERT_EQ(span.events.size(), 1u);
  EXPECT_EQ(span.events[0].name, "waybill.parked");
}

TEST(Tracing, WithoutAProviderPassesTracesOnUnsampled) {
  TestBed bed;
  Service service(bed.executor(), bed.config(), bed.registry());
  std::string seen;
  service.on_request("sum", [&seen](int value, Context& context) {
    seen = context.trace().parent->to_text();
    return value;
  });
  service.observe(opentelemetry::tracing());
  bed.run(service.start());
  Client client = bed.client();
  client.observe(opentelemetry::tracing());
  EXPECT_EQ(bed.run(client.request<int>("sum", 1)), 1);
  EXPECT_EQ(seen.substr(52), "-00");
  client.close();
  service.close();
}

TEST(Tracing, OfARatioThatIsNoneIsRefused) {
  RecordedSpans spans;
  for (const double ratio : {-1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(spans.tracing(ratio), Error) << ratio;
  }
}

TEST(SpanContexts, AreTracesAndBack) {
  TraceContext trace =
      TraceContext::of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "rojo=1,congo=2", "user=ada");
  const TraceContext back = opentelemetry::trace_context(opentelemetry::span_context(trace));
  EXPECT_EQ(back.parent, trace.parent);
  EXPECT_EQ(back.state, trace.state);
  EXPECT_FALSE(opentelemetry::span_context(TraceContext()).IsValid());
  EXPECT_TRUE(opentelemetry::trace_context(api::SpanContext::GetInvalid()).empty());
}

}  // namespace
}  // namespace waybill::test
