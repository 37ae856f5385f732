#include "flow/in_flight.hpp"

namespace waybill::kafka {
void InFlight::add(Message message, std::shared_ptr<Partition> partition, std::optional<std::string_view> key,
                   std::size_t bytes) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back().token = free_slots_.back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.state = State::waiting;
  slot.attempt = 1;
  slot.bytes = bytes;
  if (key) {
    // Kafka keeps a key in one partition, and no order where it is in two; what one of them loses must not hold the other.
    slot.lane = partition->name;
    (slot.lane += '/') += *key;
  }
  slot.partition = std::move(partition);
  ++slot.partition->waiting;
  slot.message = std::move(message);
  slot.partition->waiting_bytes += slot.bytes;
  if (slot.lane.empty() || lanes_.enter(slot.lane, index)) may_run(index);
}

void InFlight::may_run(std::uint32_t index) {
  runnable_.push_back(index);
  bytes_ += slots_[index].bytes;
}

const InFlight::Record* InFlight::start() {
  if (runnable_.empty() || in_hand_ >= most_in_hand_) return nullptr;
  Slot& slot = slots_[runnable_.front()];
  runnable_.pop_front();
  slot.state = State::in_hand;
  ++in_hand_;
  --slot.partition->waiting;
  slot.partition->waiting_bytes -= slot.bytes;
  ++slot.partition->in_hand;
  return &slot;
}

const InFlight::Record* InFlight::in_hand(Token token) const noexcept {
  return is(token, State::in_hand) ? &slots_[static_cast<std::uint32_t>(token)] : nullptr;
}

void InFlight::finish(Token token) {
  Slot& finished = slot(token);
  --in_hand_;
  bytes_ -= finished.bytes;
  --finished.partition->in_hand;
  if (!finished.lane.empty()) {
    if (const auto next = lanes_.leave(finished.lane)) may_run(*next);
  }
  release(finished);
}

void InFlight::retry(Token token) noexcept {
  Slot& retried = slot(token);
  --in_hand_;
  bytes_ -= retried.bytes;
  --retried.partition->in_hand;
  ++retried.partition->waiting;
  retried.partition->waiting_bytes += retried.bytes;
  retried.state = State::retrying;
}

bool InFlight::again(Token token) {
  if (!is(token, State::retrying)) return false;
  Slot& retried = slot(token);
  ++retried.attempt;
  retried.state = State::waiting;
  may_run(static_cast<std::uint32_t>(token));
  return true;
}

void InFlight::drop_waiting(Partition& partition) {
  std::erase_if(runnable_, [&](std::uint32_t index) {
    if (slots_[index].partition.get() != &partition) return false;
    bytes_ -= slots_[index].bytes;
    return true;
  });
  for (Slot& slot : slots_) {
    if (slot.partition.get() != &partition) continue;
    if (!slot.lane.empty()) lanes_.drop(slot.lane);
    if (slot.state == State::in_hand) continue;
    partition.offsets.drop(slot.offset());
    release(slot);
  }
  partition.waiting = partition.waiting_bytes = 0;
  for (const Slot& slot : slots_) {  // the keys of what is in hand
    if (slot.partition.get() == &partition && !slot.lane.empty())
      lanes_.enter(slot.lane, static_cast<std::uint32_t>(slot.token));
  }
}

void InFlight::clear() {
  slots_.clear();
  free_slots_.clear();
  runnable_.clear();
  lanes_ = {};
  in_hand_ = bytes_ = 0;
}

bool InFlight::is_full() const noexcept {
  return in_hand_ + runnable_.size() >= most_in_hand_ || bytes_ >= most_bytes_;
}

bool InFlight::is(Token token, State state) const noexcept {
  const auto index = static_cast<std::uint32_t>(token);
  return index < slots_.size() && slots_[index].token == token && slots_[index].state == state;
}

void InFlight::release(Slot& slot) {
  slot.message.reset();
  slot.partition.reset();
  slot.lane.clear();
  slot.state = State::unused;
  free_slots_.push_back(static_cast<std::uint32_t>(slot.token));
  slot.token += Token{1} << 32;
}

}  // namespace waybill::kafka
