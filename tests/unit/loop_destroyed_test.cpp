// A loop that is destroyed while coroutines on it wait for a client or a service: all that they hold goes with it.
#include "waybill/testing.hpp"
#include "waybill/waybill.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <gtest/gtest.h>

namespace waybill {
namespace {

using namespace std::chrono_literals;

/// What a coroutine holds while it waits.
struct Held {
  std::shared_ptr<int> mark;
  std::shared_ptr<Client> client;
  std::shared_ptr<Service> service;
};
using Waits = asio::awaitable<void> (*)(Held held);

asio::awaitable<void> for_a_reply(Held held) { co_await held.client->request<int>("never", 1); }
asio::awaitable<void> for_a_value(Held held) {
  auto stream = held.client->stream<int>("never", 1);
  co_await stream.next();
}
asio::awaitable<void> for_the_second_value(Held held) {
  auto stream = held.client->stream<int>("once", 1);
  co_await stream.next();
  co_await stream.next();
}
asio::awaitable<void> for_an_event(Held held) { co_await held.client->emit("never", 1); }
asio::awaitable<void> for_a_link(Held held) { co_await held.client->connect(); }
asio::awaitable<void> for_a_flush(Held held) {
  held.client->request<int>("never", 1, [](const Result<int>&) {});
  co_await held.client->flush();
}
asio::awaitable<void> for_a_start(Held held) { co_await held.service->start(); }
asio::awaitable<void> for_a_call_in_a_chain(Held held) {
  held.client->use(middleware::retry());
  co_await held.client->request<int>("never", 1);
}
asio::awaitable<void> for_a_place(Held held) {
  middleware::BulkheadOptions options;
  options.max_concurrent = 1;
  options.max_wait = 1h;
  held.client->use(middleware::bulkhead(options));
  held.client->request<int>("never", 1, [](const Result<int>&) {});
  co_await held.client->request<int>("never", 1);
}
asio::awaitable<void> for_a_drain(Held held) {
  Service& service = *held.service;
  service.on_request("never", [client = held.client](int) -> asio::awaitable<int> {
    co_return co_await client->request<int>("never", 1);
  });
  co_await service.start();
  Client other(service.executor(), "memory://own");
  other.request<int>("never", 1, [](const Result<int>&) {});
  Timer timer(service.executor(), 1ms);
  co_await timer.async_wait();
  co_await service.drain(1h);
}

struct Case {
  const char* name;
  Waits waits;
  bool is_reachable = true;
  const char* listens = "redis://127.0.0.1:1?startup=wait";
};
void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

class LoopDestroyed : public testing::TestWithParam<Case> {
 protected:
  LoopDestroyed() {
    answering_->log_to([](LogLevel, std::string_view) {});
    answering_->on_request("never", [](int, Context& context) -> asio::awaitable<int> {
      Timer timer(context.executor());
      co_await timer.async_wait();
      co_return 0;
    });
    answering_->on_request("once", [](int, Context& context) -> Stream<int> {
      co_yield 1;
      Timer timer(context.executor());
      co_await timer.async_wait();
    });
    answering_->start(asio::detached);
  }
  /// Runs until the coroutine waits.
  void wait_with(Held held) {
    asio::co_spawn(*loop_, GetParam().waits(std::move(held)), asio::detached);
    loop_->run_for(20ms);
    EXPECT_GT(mark_.use_count(), 1) << "it did not wait";
  }
  Held make() {
    const std::string url = GetParam().is_reachable ? "memory://here" : "tcp://127.0.0.1:1";
    auto service = std::make_shared<Service>(loop_->get_executor(), Config::listen({GetParam().listens}), registry_);
    service->log_to([](LogLevel, std::string_view) {});
    return {mark_, std::make_shared<Client>(loop_->get_executor(), ClientConfig::from_url(url), registry_, Log()),
            std::move(service)};
  }
  bool is_gone() const { return mark_.use_count() == 1; }

  std::shared_ptr<int> mark_ = std::make_shared<int>(0);
  std::shared_ptr<const Registry> registry_ = default_registry();
  std::unique_ptr<asio::io_context> loop_ = std::make_unique<asio::io_context>(1);
  std::unique_ptr<Service> answering_ =
      std::make_unique<Service>(loop_->get_executor(), Config::listen({"memory://here"}), registry_);
};

TEST_P(LoopDestroyed, TakesTheCoroutineWithItThatOwnsItsClient) {
  wait_with(make());
  answering_.reset();
  loop_.reset();
  EXPECT_TRUE(is_gone());
}

TEST_P(LoopDestroyed, TakesTheCoroutineWithItWhoseClientWentBefore) {
  Held held = make();
  Held owner{nullptr, std::move(held.client), std::move(held.service)};
  held.client = std::shared_ptr<Client>(std::shared_ptr<void>(), owner.client.get());
  held.service = std::shared_ptr<Service>(std::shared_ptr<void>(), owner.service.get());
  wait_with(std::move(held));
  owner = {};
  answering_.reset();
  loop_.reset();
  EXPECT_TRUE(is_gone());
}

const Case k_cases[] = {
    {"request", for_a_reply},       {"emit", for_an_event, false},
    {"first_value", for_a_value},   {"next_value", for_the_second_value},
    {"connect", for_a_link, false}, {"flush", for_a_flush, false},
    {"start", for_a_start},         {"chained", for_a_call_in_a_chain},
    {"place", for_a_place},         {"drain", for_a_drain, true, "memory://own"},
};
INSTANTIATE_TEST_SUITE_P(Of, LoopDestroyed, testing::ValuesIn(k_cases),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace waybill
