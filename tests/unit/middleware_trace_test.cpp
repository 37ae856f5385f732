// The middleware `trace`: ids of steps on both sides, new traces, and how many of them are sampled.
#include "service_rig.hpp"

namespace waybill::test {
namespace {

class TraceMiddleware : public ServiceRig {
 protected:
  /// What a handler sees: the header that has come, and its own step.
  using Seen = std::vector<std::string>;

  void serve() {
    service->on_request("seen", [](Context& context) {
      const std::string* header = context.header("traceparent");
      const TraceContext trace = context.trace();
      return Seen{header ? *header : "", trace.parent ? trace.parent->to_text() : "", trace.state, trace.baggage};
    });
    start();
  }
  Client& tracing(double ratio = 1) {
    middleware::TraceOptions options;
    options.ratio = ratio;
    Client& client = connect();
    client.use(middleware::trace(options));
    return client;
  }
  Seen ask(Client& client, const CallOptions& options = CallOptions()) {
    std::optional<Result<Seen>> answer;
    client.request<Seen>("seen", 0, options, [&answer](Result<Seen> result) { answer.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
    return answer->value();
  }
};

TEST_P(TraceMiddleware, BeginsATraceThatTheServiceGoesOnWith) {
  service->use(middleware::trace());
  serve();
  const Seen seen = ask(tracing());
  const auto sent = Traceparent::parse(seen[0]);
  const auto handled = Traceparent::parse(seen[1]);
  ASSERT_TRUE(sent && handled) << seen[0] << ' ' << seen[1];
  EXPECT_TRUE(sent->is_sampled());
  EXPECT_EQ(handled->trace_id, sent->trace_id);
  EXPECT_NE(handled->parent_id, sent->parent_id);
  EXPECT_EQ(handled->flags, sent->flags);
}

TEST_P(TraceMiddleware, GoesOnWithTheTraceOfItsCall) {
  serve();
  Client& client = tracing(0);
  for (const bool is_sampled : {true, false}) {
    const Traceparent before = Traceparent::start(is_sampled);
    CallOptions options;
    options.headers.set("traceparent", before.to_text());
    options.headers.set("tracestate", "rojo=1");
    options.headers.set("baggage", "user=ada");
    const Seen seen = ask(client, options);
    const auto sent = Traceparent::parse(seen[0]);
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->trace_id, before.trace_id);
    EXPECT_NE(sent->parent_id, before.parent_id);
    EXPECT_EQ(sent->is_sampled(), is_sampled);
    EXPECT_EQ(seen[2], "rojo=1");
    EXPECT_EQ(seen[3], "user=ada");
  }
}

TEST_P(TraceMiddleware, ReplacesAMalformedOne) {
  service->use(middleware::trace());
  serve();
  CallOptions options;
  options.headers.set("traceparent", "00-rubbish-01");
  options.headers.set("tracestate", "rojo=1");
  options.headers.set("baggage", "user=ada");
  const Seen by_client = ask(tracing(), options);
  EXPECT_TRUE(Traceparent::parse(by_client[0])) << by_client[0];
  EXPECT_EQ(by_client[2], "") << "it belonged to the other";
  EXPECT_EQ(by_client[3], "user=ada");
  const Seen by_service = ask(connect(), options);
  EXPECT_EQ(by_service[0], "00-rubbish-01");
  EXPECT_TRUE(Traceparent::parse(by_service[1])) << by_service[1];
}

TEST_P(TraceMiddleware, SamplesAShareOfNewTraces) {
  serve();
  for (const double ratio : {0.0, 0.25, 1.0}) {
    Client& client = tracing(ratio);
    constexpr int k_calls = 400;
    int sampled = 0, answered = 0;
    for (int i = 0; i < k_calls; ++i) {
      client.request<Seen>("seen", 0, [&](Result<Seen> seen) {
        ++answered;
        sampled += seen && Traceparent::parse((*seen)[0])->is_sampled() ? 1 : 0;
      });
    }
    ASSERT_TRUE(wait_until([&] { return answered == k_calls; }));
    EXPECT_NEAR(sampled, ratio * k_calls, ratio > 0 && ratio < 1 ? 60 : 0);  // seven times its deviation
  }
}

TEST_P(TraceMiddleware, AnEventHasOneToo) {
  std::atomic<bool> is_traced{false};
  service->on_event("happened", [&](Context& context) {
    is_traced = Traceparent::parse(*context.header("traceparent")).has_value();
  });
  start();
  tracing().emit("happened", 1, [](Result<Accepted>) {});
  EXPECT_TRUE(wait_until([&] { return is_traced.load(); }));
}

INSTANTIATE_TEST_SUITE_P(All, TraceMiddleware, all_grounds(), name_of_ground);

TEST(TraceOptions, OfAShareThatIsNoneAreRefused) {
  for (const double ratio : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    middleware::TraceOptions options;
    options.ratio = ratio;
    EXPECT_THROW(middleware::trace(options), Error) << ratio;
  }
}

TEST(TraceOptions, AreReadFromAConfiguration) {
  const Config config =
      Config::parse("middleware: [ trace ]\nlisteners: [ { url: \"memory://a\", middleware: [ { trace: 0 } ] } ]");
  EXPECT_EQ(config.middleware.at(0).name, "trace");
  EXPECT_EQ(config.listeners.at(0).middleware.at(0).make().name, "trace");
  try {
    Config::parse("middleware: [ { trace: 200% } ]");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("trace: option \"ratio\": expected a share such as 0.5 or 50%, found \"200%\""),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace waybill::test
