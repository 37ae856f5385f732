#include "waiting_retries.hpp"

#include <utility>

namespace waybill::detail {

void WaitingRetries::add(Delivery&& delivery, std::chrono::milliseconds wait) {
  delivery.own();
  const TimePoint due = std::chrono::steady_clock::now() + wait;
  const auto added = waiting_.emplace(due, std::move(delivery));
  const bool is_full = waiting_.size() > most_;
  const bool is_first = added == waiting_.begin();
  if (is_full) give_back_first();
  if (is_full || is_first) watch();
}

std::size_t WaitingRetries::give_back() {
  timer_.cancel();
  // Giving back may bring the next delivery at once: never while this one is still in the map.
  std::size_t count = 0;
  for (; !waiting_.empty(); ++count) give_back_first();
  return count;
}

void WaitingRetries::give_back_first() {
  auto first = waiting_.extract(waiting_.begin());
  first.mapped().settle(Settlement::retry);
}

void WaitingRetries::watch() {
  if (waiting_.empty()) return;
  timer_.expires_at(waiting_.begin()->first);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    const TimePoint now = std::chrono::steady_clock::now();
    while (!self->waiting_.empty() && self->waiting_.begin()->first <= now) self->give_back_first();
    self->watch();
  });
}

}  // namespace waybill::detail
