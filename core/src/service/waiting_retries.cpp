#include "service/waiting_retries.hpp"

#include <utility>

namespace waybill::detail {

void WaitingRetries::add(Delivery&& delivery, std::chrono::milliseconds wait) {
  delivery.own();
  delivery.wait();
  const TimePoint due = deadline_after(timer_.now(), wait);
  const auto added = waiting_.emplace(due, std::move(delivery));
  if (added == waiting_.begin()) watch();
}

void WaitingRetries::leave(Delivery&& delivery) {
  delivery.own();
  delivery.wait();
  left_.push_back(std::move(delivery));
}

std::size_t WaitingRetries::give_back() {
  timer_.cancel();
  // Giving back may bring the next delivery at once: never while this one is still in the map.
  std::size_t count = 0;
  for (; !waiting_.empty(); ++count) give_back_first();
  for (Delivery& left : std::exchange(left_, {})) {
    left.settle(Settlement::retry);
    ++count;
  }
  return count;
}

void WaitingRetries::drop() {
  timer_.cancel();
  const auto waiting = std::exchange(waiting_, {});  // their settlement goes nowhere
  const auto left = std::exchange(left_, {});
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
    const bool was_full = self->is_full();
    const TimePoint now = self->timer_.now();
    while (!self->waiting_.empty() && self->waiting_.begin()->first <= now) self->give_back_first();
    self->watch();
    if (was_full && !self->is_full() && self->when_room_) self->when_room_();
  });
}

}  // namespace waybill::detail
