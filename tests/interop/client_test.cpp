// A client and a NestJS service with the conformance handlers (lib/handlers.mjs), at WAYBILL_TEST_NESTJS_URL.
// client.test.mjs starts both.
#include <waybill/waybill.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

namespace {

using namespace std::chrono_literals;
using waybill::Client;
using waybill::errc;
using waybill::Error;

std::string url() {
  const char* value = std::getenv("WAYBILL_TEST_NESTJS_URL");
  if (!value) throw std::runtime_error("WAYBILL_TEST_NESTJS_URL is not set: run client.test.mjs");
  return value;
}

struct Item {
  int i = 0;
};
struct Nested {
  struct A {
    std::optional<int> z;
    std::tuple<int, std::string, std::map<std::string, bool>> y;
  };
  int b = 0;
  A a;
};
struct Kind {
  std::string kind;
};
struct Tag {
  int ms = 0;
  int tag = 0;
};
struct Counted {
  std::string name;
  std::optional<int> n;
};
struct Count {
  int count = 0;
};
struct Stock {
  int n = 0;
  std::string text;
};
struct Numbers {
  int start = 1;
  int count = 3;
  int intervalMs = 0;
};

/// Runs one coroutine on a loop with a client, to its end.
class NestJs : public testing::Test {
 protected:
  template <class F>
  void run(F body) {
    std::exception_ptr failure;
    asio::co_spawn(loop_, body(client_), [&](std::exception_ptr thrown) {
      failure = thrown;
      client_.close();
    });
    loop_.run();
    if (failure) std::rethrow_exception(failure);
  }

  asio::io_context loop_{1};
  Client client_{loop_.get_executor(), url()};
};

asio::awaitable<Error> error_of(Client& client, Kind kind) {
  try {
    co_await client.request<int>("conf.error", kind);
  } catch (const Error& error) {
    co_return error;
  }
  co_return Error{"no error"};
}

TEST_F(NestJs, AnswersTypedRequests) {
  run([](Client& client) -> asio::awaitable<void> {
    const std::vector<double> numbers{1, 2, 3.5};
    EXPECT_EQ(co_await client.request<double>({{"cmd", "sum"}}, numbers), 6.5);
    const std::string name = "세계";
    EXPECT_EQ(co_await client.request<std::string>("conf.hello", name), "Hello, 세계!");
    const Item item{7};
    EXPECT_EQ((co_await client.request<Item>("conf.echo", item)).i, 7);
    const Nested nested = co_await client.request<Nested>("conf.nested", 0);
    EXPECT_EQ(nested.b, 1);
    EXPECT_FALSE(nested.a.z);
    EXPECT_EQ(std::get<1>(nested.a.y), "two");
    EXPECT_TRUE(std::get<2>(nested.a.y).at("x"));
    EXPECT_EQ(co_await client.request<std::string>("conf.text", 0), "한글 😀 \"q\" \\ \n\t\x01");
  });
}

TEST_F(NestJs, AnswersNothingAndNull) {
  run([](Client& client) -> asio::awaitable<void> {
    co_await client.request<void>("conf.none", 0);
    EXPECT_FALSE(co_await client.request<std::optional<int>>("conf.none", 0));
    EXPECT_FALSE(co_await client.request<std::optional<int>>("conf.null", 0));
    const waybill::Payload none = co_await client.request<waybill::Payload>("conf.none", 0);
    const waybill::Payload null = co_await client.request<waybill::Payload>("conf.null", 0);
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(null.bytes().view(), "null");
    EXPECT_FALSE(co_await client.request<bool>("conf.false", 0));
    std::error_code code;
    try {
      co_await client.request<int>("conf.none", 0);
    } catch (const Error& error) {
      code = error.code();
    }
    EXPECT_EQ(code, errc::payload_mismatch);
  });
}

TEST_F(NestJs, ErrorsArriveWithNameAndDetails) {
  run([](Client& client) -> asio::awaitable<void> {
    const Kind object{"object"};
    const Error full = co_await error_of(client, object);
    EXPECT_EQ(full.code(), errc::remote);
    EXPECT_EQ(full.name(), "E42");
    EXPECT_EQ(full.message(), "boom");
    EXPECT_EQ(full.details<Stock>().text, "한글 😀");
    EXPECT_EQ(full.body().view(), R"({"code":"E42","message":"boom","details":{"n":1,"text":"한글 😀"}})");
    const Kind text{"string"};
    EXPECT_EQ((co_await error_of(client, text)).message(), "boom");
    const Kind array{"array"};
    EXPECT_EQ((co_await error_of(client, array)).body().view(), R"([1,"two"])");
    const Kind unknown{"unknown"};
    EXPECT_EQ((co_await error_of(client, unknown)).message(), "Internal server error");
    const Kind late{"async"};
    EXPECT_EQ((co_await error_of(client, late)).message(), "late boom");
  });
}

TEST_F(NestJs, NobodyThereIsAnErrorOfItsOwn) {
  run([](Client& client) -> asio::awaitable<void> {
    std::optional<Error> caught;
    try {
      co_await client.request<int>({{"cmd", "nobody"}}, 1);
    } catch (const Error& error) {
      caught = error;
    }
    EXPECT_TRUE(caught && caught->code() == errc::no_handler);
    EXPECT_TRUE(caught && caught->end() == waybill::End::rejected);
  });
}

TEST_F(NestJs, StreamsValuesAndTheirError) {
  run([](Client& client) -> asio::awaitable<void> {
    const Numbers asked{5, 4, 3};
    auto numbers = client.stream<int>("conf.stream", asked);
    std::vector<int> values;
    while (const auto value = co_await numbers.next()) values.push_back(*value);
    EXPECT_EQ(values, (std::vector{5, 6, 7, 8}));

    const Kind kind{"afterTwo"};
    auto failing = client.stream<int>("conf.error", kind);
    values.clear();
    std::string message;
    try {
      while (const auto value = co_await failing.next()) values.push_back(*value);
    } catch (const Error& error) {
      message = error.message();
    }
    EXPECT_EQ(values, (std::vector{1, 2}));
    EXPECT_EQ(message, "after two");
  });
}

TEST_F(NestJs, CallsAreEagerAndRunSideBySide) {
  run([](Client& client) -> asio::awaitable<void> {
    int answered = 0;
    for (int i = 0; i < 500; ++i) {
      client.request<int>("conf.delay", Tag{i % 5, i}, [i, &answered](waybill::Result<int> result) {
        EXPECT_TRUE(result && *result == i);
        ++answered;
      });
    }
    const Tag last{100, -1};  // answered when all others were
    EXPECT_EQ(co_await client.request<int>("conf.delay", last), -1);
    EXPECT_EQ(answered, 500);
  });
}

TEST_F(NestJs, TimeoutEndsOneCallAndNoOther) {
  run([](Client& client) -> asio::awaitable<void> {
    waybill::CallOptions options;
    options.timeout = 50ms;
    std::error_code code;
    try {
      co_await client.request<int>("conf.never", 0, options);
    } catch (const Error& error) {
      code = error.code();
    }
    EXPECT_EQ(code, errc::timeout);
    const Tag late{120, 1};  // the late reply of this one must not be mistaken for another's
    options.timeout = 20ms;
    try {
      co_await client.request<int>("conf.delay", late, options);
      ADD_FAILURE() << "no timeout";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), errc::timeout);
    }
    const Tag next{200, 2};
    EXPECT_EQ(co_await client.request<int>("conf.delay", next), 2);
    EXPECT_EQ(client.stats().timeouts, 2u);
  });
}

TEST_F(NestJs, CancellationEndsACall) {
  asio::cancellation_signal signal;
  std::optional<std::error_code> code;
  client_.request<int>("conf.never", 0, asio::bind_cancellation_slot(signal.slot(), [&](waybill::Result<int> result) {
                         code = result ? std::error_code() : result.error().code();
                         client_.close();
                       }));
  client_.connect([&](waybill::Result<void> connected) {
    EXPECT_TRUE(connected);
    signal.emit(asio::cancellation_type::terminal);
  });
  loop_.run();
  ASSERT_TRUE(code);
  EXPECT_EQ(*code, errc::cancelled);
}

TEST_F(NestJs, EventsAreCounted) {
  run([](Client& client) -> asio::awaitable<void> {
    const Counted event{"cpp", 2};
    for (int i = 0; i < 10; ++i) co_await client.emit({{"ev", "event"}}, event);
    // Frames of one connection are handled in order.
    const Counted asked{"cpp", std::nullopt};
    EXPECT_EQ((co_await client.request<Count>("conf.count", asked)).count, 20);
  });
}

TEST_F(NestJs, MetadataReachesTheHandler) {
  run([](Client& client) -> asio::awaitable<void> {
    waybill::CallOptions options;
    options.headers.set("x-trace", "t-1");
    const waybill::Payload answer = co_await client.request<waybill::Payload>("conf.meta", 1, options);
    EXPECT_EQ(answer.bytes().view(), R"({"data":1,"pattern":"conf.meta","metadata":{"x-trace":"t-1"}})");
  });
}

TEST_F(NestJs, CarriesAMegabyte) {
  run([](Client& client) -> asio::awaitable<void> {
    std::string text;
    while (text.size() < 1 << 20) text += "한글과 😀 ";
    EXPECT_EQ(co_await client.request<std::string>("conf.echo", text), text);
  });
}

TEST(NestJsFromThreads, FuturesFromSeveralThreads) {
  asio::io_context loop(1);
  Client client(loop.get_executor(), url());
  auto work = asio::make_work_guard(loop);
  std::thread runner([&] { loop.run(); });
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&client, &right, t] {
      for (int i = 0; i < 50; ++i) {
        const Item item{t * 1000 + i};
        std::future<Item> answer = client.request<Item>("conf.echo", item, asio::use_future);
        if (answer.get().i == item.i) ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  client.close();
  work.reset();
  runner.join();
  EXPECT_EQ(right, 200);
}

TEST(NestJsBlocking, NeedsNoLoop) {
  waybill::BlockingClient client(url());
  const std::vector<int> numbers{1, 2, 3};
  EXPECT_EQ(client.request<int>({{"cmd", "sum"}}, numbers), 6);
  client.emit("conf.event", Counted{"blocking", 1});
  EXPECT_EQ(client.request<Count>("conf.count", Counted{"blocking", std::nullopt}).count, 1);
  EXPECT_THROW(client.request<int>("conf.nobody", 1), Error);
}

}  // namespace
