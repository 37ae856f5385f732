// What the hostile tests stand on: a service in a thread of its own, and figures of this process.
#pragma once

#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/waybill.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace waybill::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t k_most_growth_kib = 1u << 20;  // what was freed stays resident
#else
inline constexpr std::size_t k_most_growth_kib = 64u << 10;
#endif

struct Order {
  std::string id;
  int quantity = 1;
  std::optional<std::string> note;
};

inline Stream<int> count_down(int from) {
  while (from > 0) co_yield from--;
}
inline Stream<std::string> count_forever(int size) {
  const std::string value(static_cast<std::size_t>(std::clamp(size, 0, 100'000)), 'v');
  while (true) co_yield value;
}

/// Descriptors that this process has open.
inline std::size_t open_descriptors() {
  using Iterator = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Iterator("/proc/self/fd"), Iterator()));
}

/// Resident memory in KiB, once freed memory was given back.
inline std::size_t resident_kib() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

/// A service on a free port of 127.0.0.1, run by a thread of its own. Never-ending handlers end with it.
class ServiceThread {
 public:
  /// `options`: of the listener's URL, core's own included.
  explicit ServiceThread(const std::string& options = "", unsigned handler_threads = 0)
      : service_(loop_.get_executor(), config(options, handler_threads)) {
    service_.log_to(log.sink());
    service_.on_request("echo", [](const std::string& text) { return text; });
    service_.on_request("order", [](const Order& order) { return order.id + "/" + std::to_string(order.quantity); });
    service_.on_request("payload", [](const Payload& payload) { return payload; });
    service_.on_request({{"cmd", "sum"}}, [](const std::vector<double>& numbers) {
      double sum = 0;
      for (const double number : numbers) sum += number;
      return sum;
    });
    service_.on_request("later", [](const std::string& text) -> asio::awaitable<std::string> { co_return text; });
    service_.on_request("headers", [](Context& context) { return context.headers().size(); });
    service_.on_request("countdown", [](int from) { return count_down(std::min(from, 5000)); });
    service_.on_request("forever", [](int size) { return count_forever(size); });
    service_.on_request("stuck", [this](const std::string& text) -> asio::awaitable<std::string> {
      ++stuck;
      co_await asio::this_coro::reset_cancellation_state();
      asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
      co_await never.async_wait(asio::use_awaitable);
      co_return text;
    });
    service_.on_event("note", [](const std::map<std::string, std::string>&) {});
    run_until(loop_, service_.start());
    const std::string address = service_.addresses().front();
    port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    thread_ = std::thread([this] {
      const auto work = asio::make_work_guard(loop_);
      if (loop_.stopped()) loop_.restart();
      loop_.run();
    });
  }
  ~ServiceThread() {
    asio::post(loop_, [this] {
      service_.close();
      loop_.stop();
    });
    thread_.join();
  }

  std::string url(const std::string& options) const {
    return "tcp://127.0.0.1:" + std::to_string(port) + "?timeout=15s" + (options.empty() ? "" : "&") + options;
  }
  asio::ip::tcp::endpoint endpoint() const { return {asio::ip::address_v4::loopback(), port}; }
  ServiceStats stats() const { return service_.stats(); }

  LogCapture log;
  std::uint16_t port = 0;
  std::atomic<std::size_t> stuck{0};  ///< Handlers that began and never end.

 private:
  static Config config(const std::string& options, unsigned handler_threads) {
    Config config = Config::listen({"tcp://127.0.0.1:0" + (options.empty() ? "" : "?" + options)});
    config.handler_threads = handler_threads;
    return config;
  }

  asio::io_context loop_{1};
  Service service_;
  std::thread thread_;
};

/// Calls "echo" over and over and looks at every answer.
class GoodClient {
 public:
  GoodClient(asio::io_context& loop, const std::string& url) : client_(loop.get_executor(), url) {
    asio::co_spawn(loop, run(), [this](std::exception_ptr) { done_ = true; });
  }
  void stop() { stopping_ = true; }
  bool is_done() const { return done_; }
  void close() { client_.close(); }

  std::size_t right = 0;
  std::vector<std::string> failures;
  std::chrono::steady_clock::duration slowest{};

 private:
  asio::awaitable<void> run() {
    while (!stopping_ && failures.size() < 10) {
      const std::string text = "call \xC3\xA4\xF0\x9F\x98\x80 " + std::to_string(right);
      const auto begun = std::chrono::steady_clock::now();
      try {
        const std::string answer = co_await client_.request<std::string>("echo", text);
        if (answer == text)
          ++right;
        else
          failures.push_back("got " + answer);
      } catch (const std::exception& error) {
        failures.push_back(error.what());
      }
      slowest = std::max(slowest, std::chrono::steady_clock::now() - begun);
    }
  }

  Client client_;
  bool stopping_ = false;
  bool done_ = false;
};

}  // namespace waybill::test
