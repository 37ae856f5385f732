#include "assignment.hpp"

#include <algorithm>

namespace waybill::kafka {

void Partition::comes_back_from(const Partition& before) noexcept {
  committed = before.committed;
  done_before = std::max(before.done_before, before.offsets.next());
}

void Partition::start(std::int64_t offset, std::int64_t end) noexcept {
  fresh_from = std::max(offset, end);
  // Somebody wants these records again, or they are others than those that we know: the topic was made anew, or cut off.
  if (offset < committed || *fresh_from < done_before) done_before = -1;
}

void Assignment::add(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto partition = std::make_shared<Partition>(topic, number);
  if (const auto before = removed_.find(partition->name); before != removed_.end()) {
    partition->comes_back_from(*before->second);
  }
  partitions_.insert_or_assign(partition->name, partition);
}

Assignment::PartitionPtr Assignment::remove(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto found = partitions_.extract(Partition::name_of(topic, number));
  if (!found) return nullptr;
  found.mapped()->is_ours = false;
  return removed_[found.key()] = found.mapped();
}

Assignment::PartitionPtr Assignment::find(const void* handle, const char* topic, std::int32_t number) {
  if (last_ && last_handle_ == handle && last_->number == number) return last_;
  const auto found = partitions_.find(Partition::name_of(topic, number));
  if (found == partitions_.end()) return nullptr;
  last_handle_ = handle;
  return last_ = found->second;
}

void Assignment::note_committed(std::string_view topic, std::int32_t number, std::int64_t offset) {
  const auto found = partitions_.find(Partition::name_of(topic, number));
  if (found != partitions_.end()) found->second->committed = offset;
}

bool Assignment::are_positioned() const noexcept {
  const auto is_positioned = [](const auto& entry) { return entry.second->fresh_from.has_value(); };
  return std::all_of(partitions_.begin(), partitions_.end(), is_positioned);
}

void Assignment::finish(const PartitionPtr& partition, std::int64_t offset) {
  if (partition->offsets.finish(offset)) advanced_.push_back(partition);
}

}  // namespace waybill::kafka
