// A service and its clients in one program, over a carrier and with or without a handler pool: what a handler does, and
// what its caller sees, must not depend on either.
#pragma once

#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace waybill::test {

/// Where handlers stop until the test lets them go on. Any thread.
class Gate {
 public:
  asio::awaitable<void> pass() {
    const auto timer =
        std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    if (!wait_with(timer)) co_return;
    co_await waybill::detail::wait_quietly(*timer);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) co_return;
    ++cancelled;
    throw std::system_error(asio::error::operation_aborted);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    for (const auto& weak : waiting_) {
      if (const auto timer = weak.lock()) asio::post(timer->get_executor(), [timer] { timer->cancel(); });
    }
    waiting_.clear();
  }
  std::atomic<int> arrived{0}, cancelled{0};

 private:
  bool wait_with(const std::shared_ptr<asio::steady_timer>& timer) {
    const std::lock_guard lock(mutex_);
    if (!is_open_) waiting_.push_back(timer);
    ++arrived;
    return !is_open_;
  }
  std::mutex mutex_;
  std::vector<std::weak_ptr<asio::steady_timer>> waiting_;  // a timer goes with its coroutine, and that with its loop
  bool is_open_ = false;
};

/// Gives others their turn, once: what it waits for ends on a later turn of the loop.
inline asio::awaitable<void> turn() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}
inline asio::awaitable<int> turn_with(int value) {
  co_await turn();
  co_return value;
}

/// What a caller read of a stream.
struct Read {
  std::vector<int> values;
  std::optional<Error> error;
  bool is_ended = false;
};

struct Ground {
  std::string url;
  unsigned handler_threads;
};
inline void PrintTo(const Ground& ground, std::ostream* out) {
  *out << ground.url << " with " << ground.handler_threads << " handler threads";
}

class ServiceRig : public testing::TestWithParam<Ground> {
 protected:
  ServiceRig() {
    Config config = Config::listen({GetParam().url});
    config.handler_threads = GetParam().handler_threads;
    config.log_level = "debug";
    service = std::make_unique<Service>(loop.get_executor(), std::move(config));
    service->log_to(log.sink());
  }
  ~ServiceRig() override {
    for (const auto& client : clients_) client->close();
    if (!service) return;
    service->close();
    run_ready(loop);
  }

  void start() { run_until(loop, service->start()); }
  Client& connect(std::string options = "?timeout=60s") {
    return *clients_.emplace_back(
        std::make_unique<Client>(loop.get_executor(), ClientConfig::from_url(address() + options)));
  }
  std::string address() const { return service->addresses().front(); }

  /// Reads all of a stream.
  std::shared_ptr<Read> read(Client& client, const std::string& pattern, int body = 0) {
    auto all = std::make_shared<Read>();
    asio::co_spawn(loop, read_all(client, pattern, body, all), [](std::exception_ptr) {});
    return all;
  }
  bool wait_for(const std::shared_ptr<Read>& all) {
    return eventually(loop, [&all] { return all->is_ended; });
  }
  template <class Condition>
  bool wait_until(Condition condition) {
    return eventually(loop, std::move(condition));
  }
  bool is_idle() const { return service->stats().in_flight == 0; }

  LogCapture log;
  asio::io_context loop{1};
  std::unique_ptr<Service> service;

 private:
  static asio::awaitable<void> read_all(Client& client, std::string pattern, int body, std::shared_ptr<Read> all) {
    try {
      auto stream = client.stream<int>(pattern, body);
      for (;;) {
        const std::optional<int> value = co_await stream.next();
        if (!value) break;
        all->values.push_back(*value);
      }
    } catch (const Error& error) {
      all->error = error;
    }
    all->is_ended = true;
  }
  std::vector<std::unique_ptr<Client>> clients_;
};

/// INSTANTIATE_TEST_SUITE_P with these: in memory and over a socket, on the loop and on a pool.
inline auto all_grounds() {
  return testing::Values(Ground{"memory://rig", 0}, Ground{"memory://rig", 4}, Ground{"tcp://127.0.0.1:0", 0},
                         Ground{"tcp://127.0.0.1:0", 4});
}
inline std::string name_of_ground(const testing::TestParamInfo<Ground>& info) {
  return info.param.url.substr(0, info.param.url.find(':')) + (info.param.handler_threads ? "_pool" : "_loop");
}

}  // namespace waybill::test
