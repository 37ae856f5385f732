// Wakes what waits in a middleware, on whatever thread it lives.
#pragma once

#include "waybill/detail/asio.hpp"
#include "waybill/time.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace waybill::detail {

/// Coroutines that wait, each with a timer on its own executor, by ticket. The timer belongs to the coroutine and goes with
/// it, and so with its loop: only weak references to it travel.
///
/// Threads: those of the middleware, one at a time: with its mutex held.
class Waiters {
 public:
  void add(std::uint64_t ticket, const std::shared_ptr<Timer>& timer) {
    waiting_.emplace(ticket, Waiter{timer->get_executor(), timer});
  }
  void remove(std::uint64_t ticket) { waiting_.erase(ticket); }
  /// Ends its wait, soon: it asks again how it stands.
  void wake(std::uint64_t ticket) {
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) return;
    asio::post(found->second.executor, [timer = found->second.timer] {
      if (const auto alive = timer.lock()) alive->cancel();
    });
  }

 private:
  struct Waiter {
    asio::any_io_executor executor;
    std::weak_ptr<Timer> timer;
  };
  std::map<std::uint64_t, Waiter> waiting_;
};

/// Waits for the timer, or to be woken. False when the coroutine was cancelled.
inline asio::awaitable<bool> wait_uncancelled(std::shared_ptr<Timer> timer) {
  co_await wait_quietly(*timer);
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

}  // namespace waybill::detail
