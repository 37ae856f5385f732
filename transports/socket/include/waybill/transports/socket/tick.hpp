// Tick: one coarse timer for the deadlines of many connections, running only while one of them has a deadline.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>

namespace waybill::socket {

/// Threads: one executor. Lifetime: shared by its own timer; stop() ends it, after which `check` is not called.
class Tick : public std::enable_shared_from_this<Tick> {
 public:
  /// `check` looks at all deadlines and says whether one is left to watch.
  using Check = std::function<bool(std::chrono::steady_clock::time_point now)>;

  Tick(const asio::any_io_executor& executor, std::chrono::milliseconds interval, Check check)
      : timer_(executor), interval_(interval), check_(std::move(check)) {}

  void start() {
    if (running_ || !check_) return;
    running_ = true;
    timer_.expires_after(interval_);
    timer_.async_wait([self = shared_from_this()](const asio::error_code& ec) { self->fire(!ec); });
  }
  void stop() {
    check_ = nullptr;
    timer_.cancel();
  }

  /// Fine enough for the shortest of the timeouts, coarse enough to cost nothing; one of 0 is none.
  static std::chrono::milliseconds interval_for(std::initializer_list<std::chrono::milliseconds> timeouts) {
    auto shortest = std::chrono::milliseconds::max();
    for (const auto timeout : timeouts)
      if (timeout.count()) shortest = std::min(shortest, timeout);
    return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
  }

 private:
  void fire(bool in_time) {
    running_ = false;
    if (in_time && check_ && check_(std::chrono::steady_clock::now())) start();
  }

  asio::steady_timer timer_;
  const std::chrono::milliseconds interval_;
  Check check_;
  bool running_ = false;
};

}  // namespace waybill::socket
