// A host program whose one io_context is run by several threads, with a service and clients of all sorts in it: what
// docs/operating.md tells people to do, under load.
#pragma once

#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/waybill.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace waybill::test {

class ThreadedHost {
 public:
  explicit ThreadedHost(std::size_t threads) : busy_(loop.get_executor()) {
    for (std::size_t i = 0; i < threads; ++i) add_thread();
  }
  ~ThreadedHost() { join(); }
  void add_thread() {
    threads_.emplace_back([this] { loop.run(); });
  }
  /// Ends when nothing keeps the loop busy any more.
  void join() {
    busy_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  asio::any_io_executor strand() { return asio::make_strand(loop); }

  asio::io_context loop;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> busy_;
  std::vector<std::thread> threads_;
};

/// Keeps `in_flight` requests open until `total` have ended. Any thread.
class Caller : public std::enable_shared_from_this<Caller> {
 public:
  Caller(Client& client, std::string pattern, int total)
      : client_(client), pattern_(std::move(pattern)), left_(total) {}
  void start(int in_flight) {
    for (int i = 0; i < in_flight; ++i) call();
  }
  std::atomic<int> ended{0}, right{0};

 private:
  void call() {
    const int number = left_.fetch_sub(1);
    if (number <= 0) return;
    const std::string text = "number " + std::to_string(number);
    client_.request<std::string>(pattern_, text, [self = shared_from_this(), text](const Result<std::string>& value) {
      if (value && *value == text) ++self->right;
      ++self->ended;
      self->call();
    });
  }
  Client& client_;
  std::string pattern_;
  std::atomic<int> left_;
};

/// A service and clients on strands of the host, a client on a thread pool: every call is answered with what was asked,
/// the service drains, and the loop ends when all is closed.
inline void serve_on_a_host_with_threads(const std::string& url, std::shared_ptr<const Registry> registry,
                                         std::size_t threads) {
  constexpr int k_calls = 300;
  constexpr int k_in_flight = 16;
  LogCapture logs;
  ThreadedHost host(threads);
  Service service(host.strand(), Config::listen({url}), registry);
  service.log_to(logs.sink());
  std::atomic<int> events{0};
  service.on_request("now", [](const std::string& text) { return text; });
  service.on_request("later", [](const std::string& text) -> asio::awaitable<std::string> {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    co_return text;
  });
  service.on_event("happened", [&events] { ++events; });
  service.start(asio::use_future).get();
  // What the service listens on, where that is a port of its own choice; a broker's clients use the same URL.
  const bool has_port = url.rfind("tcp://", 0) == 0;
  const std::string where = has_port ? service.addresses().front() : url;
  const ClientConfig config = ClientConfig::from_url(where);

  asio::thread_pool pool(threads);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    const asio::any_io_executor executor = i < 2 ? host.strand() : asio::any_io_executor(pool.get_executor());
    clients.push_back(std::make_unique<Client>(executor, config, registry, logs.log(LogLevel::warning)));
    clients.back()->connect(asio::use_future).get();
  }
  std::vector<std::shared_ptr<Caller>> callers;
  for (const auto& client : clients) {
    for (const char* pattern : {"now", "later"}) {
      callers.push_back(std::make_shared<Caller>(*client, pattern, k_calls));
      callers.back()->start(k_in_flight);
    }
  }
  // Threads that belong to no loop call as well, and wait.
  std::atomic<int> answered{0};
  std::vector<std::thread> outsiders;
  for (std::size_t i = 0; i < threads; ++i) {
    outsiders.emplace_back([&clients, &answered, i] {
      Client& client = *clients[i % clients.size()];
      for (int number = 0; number < 50; ++number) {
        const std::string text = "outsider " + std::to_string(number);
        if (client.request<std::string>("now", text, asio::use_future).get() == text) ++answered;
        client.emit("happened", number, asio::use_future).get();
      }
    });
  }
  for (std::thread& thread : outsiders) thread.join();
  EXPECT_EQ(answered, static_cast<int>(threads) * 50);
  for (const auto& caller : callers) {
    EXPECT_TRUE(eventually(k_patience, [&] { return caller->ended == k_calls; }))
        << caller->ended << " calls have ended";
    EXPECT_EQ(caller->right, k_calls) << "answers were lost or mixed up";
  }
  EXPECT_TRUE(eventually(k_patience, [&] { return events == static_cast<int>(threads) * 50; })) << events << " events";
  const DrainReport report = service.drain(std::chrono::seconds(10), asio::use_future).get();
  EXPECT_EQ(report.abandoned, 0u);
  for (const auto& client : clients) client->close();
  pool.join();
  host.join();
}

}  // namespace waybill::test
