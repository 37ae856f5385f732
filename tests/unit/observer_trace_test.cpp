// An observer that makes steps of traces: what it is asked, where its steps go, and what it is told of repeated calls.
#include "service_rig.hpp"

#include <asio/detached.hpp>

namespace waybill::test {
namespace {

/// Makes a step of all that it is told of, and keeps what it was given and made.
class Steps : public Observer {
 public:
  struct Step {
    std::uint64_t number;
    TraceContext before, after;
  };
  std::vector<Step> calls, messages;
  std::vector<std::string> repeated;
  bool is_tracing = true;

  bool traces() const noexcept override { return is_tracing; }
  void call_traced(const ObservedCall& call, TraceContext& trace) noexcept override { add(calls, call.number, trace); }
  void message_traced(const ObservedMessage& message, TraceContext& trace) noexcept override {
    add(messages, message.number, trace);
  }
  void call_repeated(const ObservedCall& call, int attempt, const Error& why) noexcept override {
    repeated.push_back(std::to_string(call.number) + ' ' + std::string(call.pattern) + ' ' + std::to_string(attempt) +
                       ' ' + why.code().message());
  }

 private:
  static void add(std::vector<Step>& to, std::uint64_t number, TraceContext& trace) {
    const TraceContext before = trace;
    trace.step(1);
    to.push_back({number, before, trace});
  }
};

class ObserverTraces : public ServiceRig {
 protected:
  Client& observed() {
    Client& client = connect();
    client.observe(calls);
    return client;
  }
  std::string ask(Client& client, const CallOptions& options = CallOptions()) {
    std::optional<Result<std::string>> answer;
    client.request<std::string>("seen", 0, options,
                                [&answer](Result<std::string> text) { answer.emplace(std::move(text)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
    return answer->value();
  }
  void serve() {
    service->observe(messages);
    service->on_request("seen", [](Context& context) {
      const auto parent = context.trace().parent;
      return parent ? parent->to_text() : std::string();
    });
    start();
  }
  std::shared_ptr<Steps> calls = std::make_shared<Steps>(), messages = std::make_shared<Steps>();
};

TEST_P(ObserverTraces, TheStepOfACallArrivesAndThatOfAMessageIsTheHandlers) {
  serve();
  CallOptions options;
  const Traceparent before = Traceparent::start(false);
  options.headers.set("traceparent", before.to_text());
  options.headers.set("baggage", "user=ada");
  const std::string seen = ask(observed(), options);
  ASSERT_EQ(calls->calls.size(), 1u);
  ASSERT_EQ(messages->messages.size(), 1u);
  EXPECT_EQ(calls->calls[0].before.parent, before);
  EXPECT_EQ(messages->messages[0].before.parent, calls->calls[0].after.parent);
  EXPECT_EQ(messages->messages[0].before.baggage, "user=ada");
  EXPECT_EQ(messages->messages[0].after.parent->to_text(), seen);
}

TEST_P(ObserverTraces, GoThroughTheMiddlewareOfBothSides) {
  service->use(middleware::log());
  serve();
  Client& client = observed();
  client.use(middleware::log());
  const std::string seen = ask(client);
  ASSERT_EQ(messages->messages.size(), 1u);
  EXPECT_EQ(messages->messages[0].before.parent, calls->calls.at(0).after.parent);
  EXPECT_EQ(messages->messages[0].after.parent->to_text(), seen);
  const std::string told = ", trace " + calls->calls[0].after.parent->trace_id_text();
  EXPECT_TRUE(wait_until([&] { return log.contains(told); })) << "behind the answer";
}

TEST_P(ObserverTraces, AnEventThatNobodyWaitsForHasOneToo) {
  service->on_event("happened", [] {});
  serve();
  observed().emit("happened", 0, asio::detached);
  ASSERT_TRUE(wait_until([this] { return messages->messages.size() == 1; }));
  EXPECT_EQ(messages->messages[0].before.parent, calls->calls.at(0).after.parent);
}

TEST_P(ObserverTraces, WhoMakesNoneIsNotAsked) {
  calls->is_tracing = messages->is_tracing = false;
  serve();
  EXPECT_EQ(ask(observed()), "");
  EXPECT_TRUE(calls->calls.empty() && messages->messages.empty());
}

TEST_P(ObserverTraces, SeveralMakeOneStepAfterTheOther) {
  serve();
  Client& client = observed();
  const auto second = std::make_shared<Steps>();
  client.observe(second);
  ask(client);
  EXPECT_EQ(second->calls.at(0).before.parent, calls->calls.at(0).after.parent);
  EXPECT_EQ(messages->messages.at(0).before.parent, second->calls[0].after.parent);
}

TEST_P(ObserverTraces, ACallThatIsSentAgainIsOneStepAndTold) {
  service->observe(messages);
  std::atomic<int> handled{0};
  service->on_request("seen", [&handled]() -> std::string {
    if (++handled < 3) throw Error(errc::overloaded, "not now", End::rejected);
    return "done";
  });
  service->use({"refuse", [&handled](Context&, Next next) -> asio::awaitable<Result<void>> {
                  if (++handled < 3) co_return Error(errc::overloaded, "not now", End::rejected);
                  co_return co_await next();
                }});
  start();
  Client& client = observed();
  middleware::RetryOptions options;
  options.first = std::chrono::milliseconds(1);
  client.use(middleware::retry(options));
  EXPECT_EQ(ask(client), "done");
  ASSERT_EQ(calls->calls.size(), 1u);
  const std::string call = std::to_string(calls->calls[0].number) + " seen ";
  const std::string why = make_error_code(errc::overloaded).message();
  EXPECT_EQ(calls->repeated, (std::vector<std::string>{call + "2 " + why, call + "3 " + why}));
  ASSERT_EQ(messages->messages.size(), 3u);
  for (const auto& message : messages->messages) EXPECT_EQ(message.before.parent, calls->calls[0].after.parent);
}

INSTANTIATE_TEST_SUITE_P(All, ObserverTraces, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
