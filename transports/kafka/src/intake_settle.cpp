// Intake: what becomes of a record once it is handed over.
#include "intake.hpp"
#include "waybill/detail/backoff.hpp"

namespace waybill::kafka {
namespace {

constexpr std::chrono::milliseconds k_longest_backoff{1'000};

}  // namespace

const rd_kafka_message_t* Intake::message(Token token) const noexcept {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  const bool is_there = slot.state == State::in_hand && slot.generation == token >> 32 && slot.partition->is_ours;
  return is_there ? slot.message.get() : nullptr;
}

void Intake::settle(Token token, Settlement settlement) {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= slots_.size()) return;
  Slot& slot = slots_[index];
  if (slot.state != State::in_hand || slot.generation != token >> 32) return;
  --in_hand_;
  schedule_pump();
  const PartitionPtr partition = slot.partition;
  if (!partition->is_ours) return release(index);
  if (settlement == Settlement::retry) {
    if (is_stopped_) return release(index);  // unfinished: it stays uncommitted, and comes back to whoever is next
    return retry_later(index);
  }
  partition->offsets.finish(slot.message->offset);
  mark_dirty(partition);
  if (!slot.lane.empty()) {
    if (const auto next = lanes_.leave(slot.lane)) runnable_.push_back(*next);
  }
  release(index);
}

void Intake::retry_later(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.state = State::retrying;
  const detail::Backoff backoff({options_.retry_backoff, k_longest_backoff}, static_cast<unsigned>(slot.attempt - 1));
  const auto timer = std::make_shared<asio::steady_timer>(executor_, backoff.step());
  timer->async_wait([weak = weak_from_this(), timer, index, generation = slot.generation](std::error_code) {
    const auto self = weak.lock();
    if (!self || self->is_closed_) return;
    Slot& again = self->slots_[index];
    if (again.state != State::retrying || again.generation != generation) return;
    ++again.attempt;
    again.state = State::waiting;
    self->runnable_.push_back(index);
    self->pump();
  });
}

void Intake::release(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.message.reset();
  slot.partition.reset();
  slot.lane.clear();
  slot.state = State::unused;
  ++slot.generation;
  free_slots_.push_back(index);
}

void Intake::mark_dirty(const PartitionPtr& partition) {
  if (std::exchange(partition->is_dirty, true)) return;
  dirty_.push_back(partition);
}

void Intake::store_offsets() {
  if (dirty_.empty() || is_closed_) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(dirty_.size())));
  for (const PartitionPtr& partition : dirty_) {
    partition->is_dirty = false;
    const auto next = partition->offsets.advance();
    if (!next || !partition->is_ours) continue;
    rd_kafka_topic_partition_list_add(list.get(), partition->topic.c_str(), partition->number)->offset = *next;
  }
  dirty_.clear();
  if (list->cnt > 0) rd_kafka_offsets_store(client_->get(), list.get());
}

}  // namespace waybill::kafka
