#include "flow/assignment.hpp"

#include <algorithm>
#include <utility>

namespace waybill::kafka {

void Partition::given(std::int64_t offset) noexcept {
  is_ours = true;
  last = -1;
  fresh_from.reset();
  if (offset < 0) return;
  if (offset < committed) offsets.forget();  // somebody wants these records again
  committed = offset;
}

void Partition::start(std::int64_t offset, std::int64_t end) noexcept {
  fresh_from = std::max(offset, end);
  // These records are wanted again, or they are others than those that we know: the topic was made anew, or cut off.
  if (offset < committed || *fresh_from < offsets.next()) offsets.forget();
  offsets.restart(offset);
}

void Assignment::add(std::string_view topic, std::int32_t number, std::int64_t committed) {
  last_.reset();
  std::string name = Partition::name_of(topic, number);
  const auto before = removed_.extract(name);
  const auto partition = before ? before.mapped() : std::make_shared<Partition>(topic, number);
  partition->given(committed);
  partitions_.insert_or_assign(std::move(name), partition);
}

Assignment::PartitionPtr Assignment::remove(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto found = partitions_.extract(Partition::name_of(topic, number));
  if (!found) return nullptr;
  found.mapped()->is_ours = found.mapped()->is_leaving = found.mapped()->is_held = false;
  return removed_[found.key()] = found.mapped();
}

Assignment::PartitionPtr Assignment::renew(const PartitionPtr& gone) {
  last_.reset();
  gone->is_ours = gone->is_held = false;
  gone->is_gone = true;
  return partitions_[gone->name] = std::make_shared<Partition>(gone->topic, gone->number);
}

void Assignment::forget_removed() {
  std::erase_if(removed_, [](const auto& entry) { return entry.second->in_hand == 0; });
}

Assignment::PartitionPtr Assignment::find(const void* handle, const char* topic, std::int32_t number) {
  if (last_ && last_handle_ == handle && last_->number == number) return last_;
  PartitionPtr found = find(topic, number);
  if (!found) return nullptr;
  last_handle_ = handle;
  return last_ = std::move(found);
}

Assignment::PartitionPtr Assignment::find(std::string_view topic, std::int32_t number) const {
  const auto found = partitions_.find(Partition::name_of(topic, number));
  return found == partitions_.end() ? nullptr : found->second;
}

void Assignment::note_committed(std::string_view topic, std::int32_t number, std::int64_t offset) {
  if (const PartitionPtr partition = find(topic, number)) partition->committed = offset;
}

std::size_t Assignment::positioned() const noexcept {
  const auto is_positioned = [](const auto& entry) { return entry.second->fresh_from.has_value(); };
  return static_cast<std::size_t>(std::count_if(partitions_.begin(), partitions_.end(), is_positioned));
}

void Assignment::note_advance(const PartitionPtr& partition) {
  if (!partition->offsets.has_advance() || std::exchange(partition->is_advanced, true)) return;
  advanced_.push_back(partition);
}

}  // namespace waybill::kafka
