// The one place that papers over versions of Asio and of compilers.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/error_code.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#if __has_include(<asio/as_tuple.hpp>)
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include <memory>
#include <optional>
#include <tuple>

namespace waybill::detail {

#if __has_include(<asio/as_tuple.hpp>)
using asio::as_tuple;
#else
using asio::experimental::as_tuple;
#endif

/// Waits for the timer; being cancelled is not an error. No coroutine: its frame would be one more.
template <class AnyTimer>
asio::awaitable<std::tuple<asio::error_code>> wait_quietly(AnyTimer& timer) {
  return timer.async_wait(as_tuple(asio::use_awaitable));
}

/// One outcome that a callback brings and one coroutine waits for, on one executor. Shared by both.
template <class Outcome>
class Arrival {
 public:
  explicit Arrival(asio::any_io_executor executor)
      : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

  void set(Outcome outcome) {
    if (outcome_) return;
    outcome_.emplace(std::move(outcome));
    timer_.cancel();
  }
  /// Nothing when the waiting coroutine was cancelled first.
  static asio::awaitable<std::optional<Outcome>> wait(std::shared_ptr<Arrival> self) {
    if (!self->is_set()) co_await self->set_or_cancelled();
    co_return self->take();
  }
  /// The parts of wait(), for who keeps it alive and wants no coroutine more.
  bool is_set() const noexcept { return outcome_.has_value(); }
  auto set_or_cancelled() { return wait_quietly(timer_); }
  std::optional<Outcome> take() { return std::move(outcome_); }

 private:
  std::optional<Outcome> outcome_;
  asio::steady_timer timer_;
};

}  // namespace waybill::detail
