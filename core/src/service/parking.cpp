#include "service/parking.hpp"

#include "random_bits.hpp"

namespace waybill::detail {
namespace {

constexpr transport::Backoff::Options k_pause{std::chrono::seconds(1), std::chrono::minutes(1)};
constexpr std::chrono::seconds k_probe{2};

}  // namespace

void Parking::add(Delivery&& delivery) {
  delivery.own();
  delivery.wait();
  const Id id = ++last_id_;
  park(id, letters_.try_emplace(id, Letter{std::move(delivery), transport::Backoff(k_pause)}).first->second);
}

void Parking::park(Id id, Letter& letter) {
  letter.delivery.park([weak = weak_from_this(), id](const Result<void>& outcome) {
    if (const auto self = weak.lock()) self->ended(id, outcome);
  });
}

void Parking::ended(Id id, const Result<void>& outcome) {
  const auto found = letters_.find(id);
  if (found == letters_.end()) return;  // forgotten meanwhile
  const auto host = host_.lock();
  Letter& letter = found->second;
  if (outcome || gives_back_) {
    // Out of the map first: settling may bring the next delivery at once.
    const auto ended = letters_.extract(found);
    Delivery& delivery = ended.mapped().delivery;
    if (ended.mapped().has_failed) --without_place_;
    delivery.settle(outcome ? Settlement::ack : Settlement::retry);
    if (outcome && ended.mapped().has_failed) try_all();
    if (!host) return;
    return outcome ? host->on_parked(delivery) : host->on_given_back();
  }
  if (!std::exchange(letter.has_failed, true)) ++without_place_;
  std::chrono::milliseconds pause = letter.pause.next(random_bits());
  if (waiting_.empty() || waiting_.begin()->first > timer_.now() + k_probe)
    pause = std::min<std::chrono::milliseconds>(pause, k_probe);
  const auto added = waiting_.emplace(timer_.now() + pause, id);
  if (added == waiting_.begin()) watch();
  if (host) host->on_not_parked(letter.delivery, outcome.error(), pause);
}

std::size_t Parking::give_back() {
  gives_back_ = true;
  timer_.cancel();
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [due, id] : waiting) {
    auto letter = letters_.extract(id);
    if (letter.mapped().has_failed) --without_place_;
    letter.mapped().delivery.settle(Settlement::retry);
  }
  return waiting.size();
}

void Parking::forget_all() {
  timer_.cancel();
  waiting_.clear();
  without_place_ = 0;
  const auto forgotten = std::exchange(letters_, {});
}

/// There is room again.
void Parking::try_all() {
  if (waiting_.empty()) return;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [due, id] : waiting) waiting_.emplace(timer_.now(), id);
  watch();
}

void Parking::watch() {
  if (waiting_.empty()) return;
  timer_.expires_at(waiting_.begin()->first);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    const TimePoint now = self->timer_.now();
    while (!self->waiting_.empty() && self->waiting_.begin()->first <= now) {
      const Id id = self->waiting_.extract(self->waiting_.begin()).mapped();
      self->park(id, self->letters_.at(id));
    }
    self->watch();
  });
}

}  // namespace waybill::detail
