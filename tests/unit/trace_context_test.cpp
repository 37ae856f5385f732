// The trace of a message at its handler, and of the calls that the handler makes, over carriers and on a pool.
#include "service_rig.hpp"

#include <asio/detached.hpp>

namespace waybill::test {
namespace {

constexpr const char* k_text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A handler "front" that calls "back" on behalf of its message; "back" gives what has come there.
class TraceOfCalls : public ServiceRig {
 protected:
  using Texts = std::map<std::string, std::string>;

  void serve() {
    service->on_request("back", [](Context& context) {
      Texts seen;
      for (const auto& [name, value] : context.headers()) seen[name] = value;
      if (const auto until = context.deadline()) {
        seen["left"] = std::to_string((*until - std::chrono::steady_clock::now()) / std::chrono::seconds(1));
      }
      return seen;
    });
    service->on_request("front", [this](Context& context) -> asio::awaitable<Texts> {
      co_await turn();
      co_return co_await inner_->request<Texts>("back", 0, context.call_options());
    });
    start();
    inner_ = &connect("?timeout=20s");
  }
  Texts ask(const CallOptions& options) {
    std::optional<Result<Texts>> answer;
    connect().request<Texts>("front", 0, options,
                             [&answer](Result<Texts> result) { answer.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
    return answer->value();
  }
  static CallOptions with(std::initializer_list<std::pair<const char*, std::string>> headers) {
    CallOptions options;
    for (const auto& [name, value] : headers) options.headers.set(name, value);
    return options;
  }

  Client* inner_ = nullptr;
};

TEST_P(TraceOfCalls, GoesOnWithTheCallsOfAHandler) {
  serve();
  Texts seen = ask(with({{"traceparent", k_text}, {"tracestate", "rojo=1"}, {"baggage", "user=ada"}, {"other", "1"}}));
  seen.erase("left");
  seen.erase("waybill-deadline");
  EXPECT_EQ(seen, (Texts{{"traceparent", k_text}, {"tracestate", "rojo=1"}, {"baggage", "user=ada"}}));
}

TEST_P(TraceOfCalls, MalformedOnesGoNoFurther) {
  serve();
  const Texts seen =
      ask(with({{"traceparent", "00-4bf9-1-01"}, {"tracestate", "rojo=1"}, {"baggage", "user=ada,\x01"}}));
  for (const char* name : {"traceparent", "tracestate", "baggage"}) EXPECT_EQ(seen.count(name), 0u) << name;
}

TEST_P(TraceOfCalls, AMessageWithoutATraceHasNone) {
  serve();
  EXPECT_EQ(ask(CallOptions()).count("traceparent"), 0u);
}

TEST_P(TraceOfCalls, CallsOnBehalfOfAMessageEndWhenItsCallerWaitsNoLonger) {
  service->on_request("front", [](Context& context) {
    const auto timeout = context.call_options().time_left;
    if (!context.deadline()) return std::string(timeout ? "some" : "none");
    return std::string(timeout && *timeout > std::chrono::seconds(30) && *timeout <= std::chrono::seconds(40) ? "left"
                                                                                                              : "no");
  });
  start();
  std::optional<Result<std::string>> answer;
  connect("?timeout=40s").request<std::string>("front", 0, [&answer](Result<std::string> result) {
    answer.emplace(std::move(result));
  });
  ASSERT_TRUE(wait_until([&answer] { return answer.has_value(); }));
  EXPECT_EQ(answer->value(), GetParam().url.starts_with("tcp") ? "none" : "left");
}

TEST_P(TraceOfCalls, ACallOnBehalfOfAMessageKeepsItsClientsOwnTimeout) {
  Client* inner = nullptr;
  service->on_request("never", [](Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor(), std::chrono::hours(1));
    co_await timer.async_wait();
    co_return 1;
  });
  service->on_request("front", [&inner](Context& context) -> asio::awaitable<std::string> {
    const CallOptions options = context.call_options();
    const auto outcome =
        co_await inner->request<int>("never", 0, options, waybill::detail::as_tuple(asio::use_awaitable));
    co_return std::get<0>(outcome)                         ? "answered"
    : std::get<0>(outcome).error().code() == errc::timeout ? "timeout"
                                                           : "another error";
  });
  start();
  inner = &connect("?timeout=100ms");
  std::optional<Result<std::string>> answer;
  connect("?timeout=1h").request<std::string>("front", 0, [&answer](Result<std::string> result) {
    answer.emplace(std::move(result));
  });
  ASSERT_TRUE(wait_until([&answer] { return answer.has_value(); })) << "it has the deadline of the message instead";
  EXPECT_EQ(answer->value(), "timeout");
}

TEST_P(TraceOfCalls, IsFoundInTheMetadataOfANestJsClient) {
  serve();
  const std::map<std::string, Payload> metadata{
      {"traceparent", Payload::of(std::string(k_text), default_registry()->default_serializer())},
      {"deep", Payload::of(std::vector<int>{1, 2}, default_registry()->default_serializer())},
      {"baggage", Payload::of(5, default_registry()->default_serializer())}};
  CallOptions options;
  options.metadata = Payload::of(metadata, default_registry()->default_serializer());
  const Texts seen = ask(options);
  ASSERT_EQ(seen.count("traceparent"), 1u);
  EXPECT_EQ(seen.at("traceparent"), k_text);
  EXPECT_EQ(seen.count("baggage"), 0u);
}

TEST_P(TraceOfCalls, MetadataThatIsNoObjectIsNoTrace) {
  serve();
  for (const char* text : {"[1]", "7", "\"traceparent\"", "{\"traceparent\":{}}", "{\"traceparent\":null}"}) {
    CallOptions options;
    options.metadata = Payload(Slice::copy(text), default_registry()->default_serializer());
    EXPECT_EQ(ask(options).count("traceparent"), 0u) << text;
  }
}

TEST_P(TraceOfCalls, IsTheStepThatAMiddlewareMade) {
  const Traceparent step = Traceparent::parse(k_text)->next();
  const auto make_step = [step](Context& context, Next next) {
    if (context.channel() == "front" || context.pattern() == "front") {
      TraceContext trace = context.trace();
      trace.parent = step;
      context.set_trace(std::move(trace));
    }
    return next();
  };
  service->use({"step", make_step});
  serve();
  const Texts seen = ask(with({{"traceparent", k_text}, {"baggage", "user=ada"}}));
  EXPECT_EQ(seen.at("traceparent"), step.to_text());
  EXPECT_EQ(seen.at("baggage"), "user=ada");
}

TEST_P(TraceOfCalls, IsNamedInTheLogOfBothSides) {
  service->use(middleware::log());
  service->on_request("back", [] {});
  start();
  LogCapture clients_log;
  Client client(loop.get_executor(), ClientConfig::from_url(address()), default_registry(), Log(clients_log.sink()));
  client.use(middleware::log());
  for (const bool is_traced : {true, false}) {
    const CallOptions options = is_traced ? with({{"traceparent", k_text}}) : CallOptions();
    client.request<void>("back", 0, options, asio::detached);
    const std::size_t count = is_traced ? 1 : 2;
    ASSERT_TRUE(wait_until([&] { return log.count("back ok") == count && clients_log.count("back ok") == count; }));
  }
  client.close();
  for (const LogCapture* one : {&log, &clients_log}) {
    std::vector<std::string> lines;
    for (const auto& line : one->lines()) {
      if (line.text.find("request back ok") != std::string::npos) lines.push_back(line.text);
    }
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0].ends_with(" us, trace 4bf92f3577b34da6a3ce929d0e0e4736")) << lines[0];
    EXPECT_TRUE(lines[1].ends_with(" us")) << lines[1];
  }
}

TEST_P(TraceOfCalls, IsNamedWhereAnEventIsGivenUp) {
  std::mutex mutex;
  std::string told;
  service->log_to([&](const LogRecord& record) {
    const std::lock_guard lock(mutex);
    if (record.line.find("gave up the event fails") != std::string_view::npos) told = record.trace;
  });
  service->on_event("fails", [] { throw Error("E42", "sold out").permanent(); });
  start();
  connect().emit("fails", 0, with({{"traceparent", k_text}}), asio::detached);
  const auto is_told = [&] {
    const std::lock_guard lock(mutex);
    return !told.empty();
  };
  EXPECT_TRUE(wait_until(is_told));
  EXPECT_EQ(told, "4bf92f3577b34da6a3ce929d0e0e4736");
}

INSTANTIATE_TEST_SUITE_P(All, TraceOfCalls, all_grounds(), name_of_ground);

TEST(TraceContext, WhatTwoReadersCouldTakeForTwoThingsIsLeftOut) {
  const auto state = [](const char* text) { return TraceContext::of(k_text, text, "").state; };
  EXPECT_EQ(state("rojo=1,congo=2"), "rojo=1,congo=2");
  EXPECT_EQ(state("rojo=1,congo=2,rojo=3"), "");
  EXPECT_EQ(state("rojo=1,rojo=1"), "");
  EXPECT_EQ(state("rojo=1,roj=1,ro@jo=1"), "rojo=1,roj=1,ro@jo=1");
  const auto baggage = [](const char* text) { return TraceContext::of("", "", text).baggage; };
  EXPECT_EQ(baggage("user=a%20%C3%a4;p=%2c"), "user=a%20%C3%a4;p=%2c");
  for (const char* wrong : {"user=%zz", "user=%", "user=%2", "user=a%2", "user=%g0", "user=1;p=%zz", "user=1,b=%%20"})
    EXPECT_EQ(baggage(wrong), "") << wrong;
}

}  // namespace
}  // namespace waybill::test
