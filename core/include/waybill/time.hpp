// Time: the system's, or a virtual one that tests move by hand.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/detail/wrapped_handler.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/execution_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

namespace waybill {

/// A clock that only its owner moves. What waits for a time runs when advance() passes it.
///
/// Threads: any; what becomes due runs on the thread that advances, outside of the clock's lock. With drive(), which is to
///          be called before anything is made on that loop: the thread of the loop.
class VirtualTime {
 public:
  using Duration = std::chrono::nanoseconds;
  using TimePoint = std::chrono::steady_clock::time_point;

  VirtualTime();
  ~VirtualTime();
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  /// From now on all of waybill on this loop lives in this time: deadlines, pauses of retries and of reconnecting,
  /// limits of drains, Timer. A loop has one time for good. Asio's own timers stay in the system's.
  void drive(asio::execution_context& loop);

  Duration now() const;      ///< Since the clock was made.
  TimePoint moment() const;  ///< The same as what takes the place of std::chrono::steady_clock::now().
  /// Moves the clock and runs what becomes due, in order of time, then of registration.
  void advance(Duration by);
  /// Moves to the next thing that waits, if that is not later than `limit`, and runs it; false if nothing does.
  bool advance_to_next(Duration limit = Duration::max());
  void call_after(Duration delay, std::function<void()> call);
  std::size_t waiting() const;  ///< How many calls are still to come.

  class State;

 private:
  std::shared_ptr<State> state_;
};

namespace detail {

/// A time, and which of those that wait for it.
using VirtualMoment = std::pair<VirtualTime::TimePoint, std::uint64_t>;

/// The time that an executor's loop lives in. Cheap to copy.
class Clock {
 public:
  using TimePoint = VirtualTime::TimePoint;

  Clock() noexcept = default;  ///< The system's.
  static Clock of(const asio::any_io_executor& executor);

  bool is_virtual() const noexcept { return state_ != nullptr; }
  TimePoint now() const;
  /// Some milliseconds behind, and nearly free.
  TimePoint coarse() const;

 private:
  friend class waybill::VirtualTime;
  friend class WaitInVirtualTime;
  std::shared_ptr<VirtualTime::State> state_;
};

/// One moment in virtual time at which a timer of Asio's is made to expire.
class WaitInVirtualTime {
 public:
  WaitInVirtualTime(const Clock& clock, asio::steady_timer& timer) : state_(clock.state_), timer_(timer) {}
  ~WaitInVirtualTime() { forget(); }
  WaitInVirtualTime(const WaitInVirtualTime&) = delete;
  WaitInVirtualTime& operator=(const WaitInVirtualTime&) = delete;

  void begin(VirtualTime::TimePoint at);
  void forget() noexcept;
  /// True from when the moment has come.
  std::shared_ptr<const bool> has_come() const noexcept { return has_come_; }

 private:
  std::shared_ptr<VirtualTime::State> state_;
  asio::steady_timer& timer_;
  std::shared_ptr<bool> has_come_;
  VirtualMoment moment_{};
};

/// The handler of a wait in virtual time: what ends it is a cancellation of Asio's timer.
template <class Handler>
struct WaitHandler : WrappedHandler<Handler> {
  std::shared_ptr<const bool> has_come;

  void operator()(std::error_code ec) {
    if (has_come && *has_come) ec = {};
    std::move(this->handler)(ec);
  }
};

}  // namespace detail

/// asio::steady_timer, in the time that its executor's loop lives in.
///
/// Threads: one at a time, as Asio's.
class Timer {
 public:
  using TimePoint = VirtualTime::TimePoint;
  using Duration = std::chrono::steady_clock::duration;

  explicit Timer(asio::any_io_executor executor, TimePoint at = TimePoint::max());
  /// Any duration will do: what would pass the end of the clock never comes.
  template <class Rep, class Period>
  Timer(asio::any_io_executor executor, std::chrono::duration<Rep, Period> after) : Timer(std::move(executor)) {
    expires_after(after);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Both cancel what waits.
  void expires_at(TimePoint at);
  template <class Rep, class Period>
  void expires_after(std::chrono::duration<Rep, Period> after) {
    expires_at(detail::deadline_after(clock_.now(), after));
  }
  TimePoint expiry() const noexcept { return at_; }
  TimePoint now() const { return clock_.now(); }
  /// What waits ends with asio::error::operation_aborted.
  void cancel() { timer_.cancel(); }
  asio::any_io_executor get_executor() noexcept { return timer_.get_executor(); }

  /// Completes with void(std::error_code).
  template <class Token = asio::use_awaitable_t<>>
  auto async_wait(Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [this](auto handler) {
          using Handler = std::decay_t<decltype(handler)>;
          timer_.async_wait(
              detail::WaitHandler<Handler>{{std::move(handler)}, virtual_ ? virtual_->has_come() : nullptr});
        },
        token);
  }

 private:
  detail::Clock clock_;
  TimePoint at_;
  asio::steady_timer timer_;
  std::unique_ptr<detail::WaitInVirtualTime> virtual_;  // null in the system's time
};

}  // namespace waybill
