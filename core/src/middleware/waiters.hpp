// Calls that wait in a middleware for their turn, on whatever threads they live.
#pragma once

#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"
#include "waybill/time.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
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

/// Until when a call waits for its turn.
struct WaitLimit {
  TimePoint at;
  bool is_deadline;  ///< The call's own comes before `max_wait` has passed.
};
inline WaitLimit wait_limit(const Context& context, TimePoint now, std::chrono::milliseconds max_wait) {
  const TimePoint limit = deadline_after(now, max_wait);
  const auto deadline = context.deadline();
  if (deadline && *deadline < limit) return {*deadline, true};
  return {limit, false};
}

/// One call: takes its Turn with what all calls share, waits for it, and goes on or says why not. `where`, for people.
template <class Turn, class Shared>
asio::awaitable<Result<void>> run_in_turn(const char* where, std::shared_ptr<Shared> shared, Context& context,
                                          Next next) {
  Turn turn(std::move(shared), context);
  while (turn.is_waiting()) {
    const bool is_wanted = co_await wait_uncancelled(turn.timer());
    if (!is_wanted) {
      co_return Error(errc::cancelled, std::string("cancelled while it waited in the ") + where, End::rejected);
    }
    turn.ask();
  }
  if (turn.is_refused()) co_return turn.refusal();
  co_return co_await next();
}

}  // namespace waybill::detail
