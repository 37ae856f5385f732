// deduplicate: what becomes of messages that come twice.
#include "service_rig.hpp"
#include "waybill/testing.hpp"

#include <map>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using Options = middleware::DeduplicateOptions;

TEST(DeduplicateOptions, TellEveryMistake) {
  EXPECT_TRUE(Options().validate());
  Options options;
  options.header.clear();
  options.window = 0ms;
  options.max_messages = 0;
  const Result<void> outcome = options.validate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), errc::invalid_config);
  EXPECT_EQ(outcome.error().message(),
            "deduplicate: needs a header, a property or a key to know messages by\n"
            "deduplicate: window must be more than 0\ndeduplicate: max_messages must be at least 1");
  EXPECT_THROW(middleware::deduplicate(options), Error);
  TestBed bed;
  Client client = bed.client();
  EXPECT_THROW(client.use(middleware::deduplicate()), Error) << "a client takes no messages that could come twice";
  Service service(bed.executor(), bed.config(), bed.registry());
  EXPECT_THROW(service.use(middleware::message_id()), Error);
}

class SeenTwice : public testing::Test {
 protected:
  SeenTwice() {
    service.log_to(bed.log_sink());
    service.on_event("tick", [this](int value, Context& context) -> asio::awaitable<void> {
      handled.push_back(value);
      Timer timer(context.executor(), 1s);
      co_await timer.async_wait();
      if (failures > 0 && failures--) throw Error("E1", "the database has gone");
      if (gives_back && !std::exchange(has_given_back, true)) context.retry();
    });
    service.on_request("order", [this](int value, Context& context) -> asio::awaitable<int> {
      handled.push_back(value);
      Timer timer(context.executor(), 1s);
      co_await timer.async_wait();
      if (failures > 0 && failures--) throw Error("E1", "the database has gone");
      co_return value;
    });
  }
  ~SeenTwice() override {
    service.close();
    client.close();
    bed.settle();
  }
  Config config() const {
    Config config = bed.config("attempts=3&backoff=10ms..20ms");
    config.log_level = "debug";
    return config;
  }
  static CallOptions with_id(std::string_view id, std::string_view header = header::k_message_id) {
    CallOptions options;
    options.headers.set(header, id);
    return options;
  }
  void emit(std::string_view id, int value) { client.emit("tick", value, with_id(id), asio::detached); }
  std::shared_ptr<std::optional<Result<int>>> order(std::string_view id, int value,
                                                    std::chrono::milliseconds timeout = 60s) {
    auto answer = std::make_shared<std::optional<Result<int>>>();
    CallOptions options = with_id(id);
    options.timeout = timeout;
    client.request<int>("order", value, options, [answer](Result<int> result) { answer->emplace(std::move(result)); });
    return answer;
  }
  bool is_settled() {
    return bed.eventually([this] { return service.stats().in_flight == 0 && bed.broker().counters().waiting == 0; });
  }
  TestBed bed;
  Service service{bed.executor(), config(), bed.registry()};
  Client client = bed.client("timeout=60s");
  std::vector<int> handled;
  int failures = 0;
  bool gives_back = false, has_given_back = false;
};

TEST_F(SeenTwice, EventsAreHandledOnceAndAcknowledged) {
  service.use(middleware::deduplicate());
  bed.run(service.start());
  emit("a", 1);
  emit("a", 2);
  emit("b", 3);
  client.emit("tick", 4, asio::detached);
  client.emit("tick", 5, asio::detached);
  EXPECT_TRUE(bed.eventually([this] { return bed.broker().counters().acknowledged == 5; }));
  emit("a", 6);
  EXPECT_TRUE(bed.eventually([this] { return bed.broker().counters().acknowledged == 6; }));
  EXPECT_EQ(handled, (std::vector<int>{1, 3, 4, 5})) << "those without an id are handled each";
  EXPECT_TRUE(bed.has_logged("the event tick was handled before: a"));
}

TEST_F(SeenTwice, WhatFailedIsTriedAgain) {
  service.use(middleware::deduplicate());
  failures = 1;
  bed.run(service.start());
  emit("a", 1);
  EXPECT_TRUE(bed.eventually([this] { return handled.size() == 2; }));
  EXPECT_TRUE(is_settled());
  emit("a", 2);
  EXPECT_TRUE(is_settled());
  EXPECT_EQ(handled, (std::vector<int>{1, 1}));
}

TEST_F(SeenTwice, WhatWaitsForOneThatFailsIsHandledInItsStead) {
  service.use(middleware::deduplicate());
  failures = 1;
  bed.run(service.start());
  const auto first = order("a", 1);
  const auto second = order("a", 2);
  const auto third = order("a", 3);
  EXPECT_TRUE(bed.eventually([&] { return first->has_value() && second->has_value() && third->has_value(); }));
  EXPECT_EQ((*first)->error().name(), "E1");
  EXPECT_EQ(***second, 2);
  EXPECT_EQ((*third)->error().name(), "duplicate");
  EXPECT_EQ(handled, (std::vector<int>{1, 2}));
}

TEST_F(SeenTwice, RequestsAreAnsweredThatTheyWereHandled) {
  service.use(middleware::deduplicate());
  bed.run(service.start());
  const auto first = order("a", 1);
  EXPECT_TRUE(bed.eventually([&] { return first->has_value(); }));
  const auto second = order("a", 2);
  EXPECT_TRUE(bed.eventually([&] { return second->has_value(); }));
  EXPECT_EQ((*second)->error().code(), errc::remote);
  EXPECT_STREQ((*second)->error().what(), "duplicate: the message a was handled before");
  EXPECT_FALSE((*second)->error().is_retryable());
  const auto late = order("b", 3);
  const auto impatient = order("b", 4, 500ms);
  EXPECT_TRUE(bed.eventually([&] { return late->has_value() && impatient->has_value(); }));
  ASSERT_FALSE(**impatient) << "its deadline ends the wait, on whichever side first";
  EXPECT_EQ((*impatient)->error().end(), End::unknown);
  EXPECT_EQ(***late, 3);
  EXPECT_TRUE(is_settled());
}

TEST_F(SeenTwice, WhatTheHandlerGaveBackIsHandledAgain) {
  service.use(middleware::deduplicate());
  gives_back = true;
  bed.run(service.start());
  emit("a", 1);
  EXPECT_TRUE(bed.eventually([this] { return handled.size() == 2; }));
  EXPECT_TRUE(is_settled());
}

TEST_F(SeenTwice, AMessageThatWasHandledWhenItsLinkBrokeIsNotHandledAgain) {
  service.use(middleware::deduplicate());
  bed.run(service.start());
  emit("a", 1);
  EXPECT_TRUE(bed.eventually([this] { return handled.size() == 1; }));
  bed.broker().disconnect_listeners();
  EXPECT_TRUE(bed.eventually([this] { return bed.broker().counters().acknowledged == 1; }));
  EXPECT_EQ(bed.broker().counters().redelivered, 1u);
  EXPECT_TRUE(is_settled());
  EXPECT_EQ(handled, std::vector<int>{1});
}

TEST_F(SeenTwice, OtherPatternsHaveIdsOfTheirOwn) {
  service.use(middleware::deduplicate());
  bed.run(service.start());
  emit("a", 1);
  const auto other = order("a", 2);
  EXPECT_TRUE(bed.eventually([&] { return other->has_value(); }));
  EXPECT_TRUE(**other);
  EXPECT_EQ(handled, (std::vector<int>{1, 2}));
}

TEST_F(SeenTwice, AreForgottenAfterTheirTime) {
  Options options;
  options.window = 10s;
  service.use(middleware::deduplicate(options));
  bed.run(service.start());
  emit("a", 1);
  EXPECT_TRUE(is_settled());
  bed.advance(5s);
  emit("a", 2);
  EXPECT_TRUE(is_settled());
  bed.advance(10s);
  emit("a", 3);
  EXPECT_TRUE(bed.eventually([this] { return handled.size() == 2; }));
  EXPECT_EQ(handled, (std::vector<int>{1, 3}));
}

TEST_F(SeenTwice, AreKnownByAHeaderOfOnesOwnOrByAFunction) {
  Options by_function;
  by_function.key = [](const Context& context) {
    const int value = context.payload().decode<int>();
    return value < 0 ? std::string(1000, 'x') : std::to_string(value % 10);
  };
  Options by_header;
  by_header.header = "order-id";
  service.use(middleware::deduplicate(by_function)).use(middleware::deduplicate(by_header));
  bed.run(service.start());
  const auto emit_with = [this](const char* id, int value) {
    client.emit("tick", value, with_id(id, "order-id"), asio::detached);
    EXPECT_TRUE(bed.eventually([this] { return service.stats().in_flight == 0; }));
    bed.settle();
    EXPECT_TRUE(is_settled());
  };
  emit_with("a", 1);
  emit_with("b", 11);
  emit_with("a", 2);
  emit_with("c", -1);
  emit_with("d", -1);
  EXPECT_EQ(handled, (std::vector<int>{1, -1, -1})) << "what is too long to be an id is none";
}

TEST_F(SeenTwice, AClientThatGivesIdsMayRepeatWhatMustNotBeDoneTwice) {
  middleware::RetryOptions again;
  again.idempotent = true;
  client.use(middleware::retry(again)).use(middleware::message_id());
  service.use(middleware::deduplicate());
  bed.run(service.start());
  memory::Fault fault;
  fault.leg = memory::Leg::to_service;
  fault.duplicates = 2;
  bed.broker().inject(fault);
  for (int i = 0; i < 5; ++i) client.emit("tick", i, asio::detached);
  EXPECT_TRUE(bed.eventually([this] { return bed.broker().counters().acknowledged == 15; }));
  EXPECT_EQ(handled, (std::vector<int>{0, 1, 2, 3, 4}));
  bed.broker().clear_faults();
  std::optional<Result<int>> answer;
  client.request<int>("order", 7, [&answer](Result<int> result) { answer.emplace(std::move(result)); });
  EXPECT_TRUE(bed.eventually([this] { return handled.size() == 6; }));
  bed.broker().disconnect_connections();
  EXPECT_TRUE(bed.eventually([&] { return answer.has_value(); }));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().name(), "duplicate") << answer->error().what();
  EXPECT_EQ(handled.size(), 6u);
}

class SeenTwiceByMany : public ServiceRig {};

TEST_P(SeenTwiceByMany, AreHandledOnceEach) {
  service->use(middleware::deduplicate());
  std::mutex mutex;
  std::map<int, int> handled;
  std::atomic<int> failed{0};
  service->on_request("order", [&](int value) -> asio::awaitable<int> {
    co_await turn();
    if (value % 7 == 0 && failed.fetch_add(1) % 3 == 0) throw Error("E1", "this time it fails");
    {
      const std::lock_guard lock(mutex);
      ++handled[value];
    }
    co_return value;
  });
  start();
  Client& client = connect();
  int answered = 0, ended = 0;
  for (int i = 0; i < 300; ++i) {
    CallOptions options;
    options.headers.set(header::k_message_id, std::to_string(i / 3));
    client.request<int>("order", i / 3, options, [&](Result<int> result) {
      ++ended;
      answered += result ? 1 : 0;
      const bool is_told = result || result.error().name() == "duplicate" || result.error().name() == "E1";
      EXPECT_TRUE(is_told) << result.error().what();
    });
  }
  ASSERT_TRUE(wait_until([&] { return ended == 300; }));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
  EXPECT_EQ(answered, static_cast<int>(handled.size()));
  for (const auto& [value, times] : handled) EXPECT_EQ(times, 1) << value;
  EXPECT_GE(handled.size(), 85u) << "but for some that failed three times";
}

INSTANTIATE_TEST_SUITE_P(All, SeenTwiceByMany, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
