#include "assignment.hpp"

#include <algorithm>

namespace waybill::kafka {

void Assignment::add(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto partition = std::make_shared<Partition>(topic, number);
  partitions_.insert_or_assign(partition->name, partition);
}

Assignment::PartitionPtr Assignment::remove(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto found = partitions_.extract(Partition::name_of(topic, number));
  if (!found) return nullptr;
  found.mapped()->is_ours = false;
  return found.mapped();
}

Assignment::PartitionPtr Assignment::find(const void* handle, const char* topic, std::int32_t number) {
  if (last_ && last_handle_ == handle && last_->number == number) return last_;
  const auto found = partitions_.find(Partition::name_of(topic, number));
  if (found == partitions_.end()) return nullptr;
  last_handle_ = handle;
  return last_ = found->second;
}

bool Assignment::are_positioned() const noexcept {
  const auto is_positioned = [](const auto& entry) { return entry.second->fresh_from.has_value(); };
  return std::all_of(partitions_.begin(), partitions_.end(), is_positioned);
}

void Assignment::finish(const PartitionPtr& partition, std::int64_t offset) {
  if (partition->offsets.finish(offset)) advanced_.push_back(partition);
}

}  // namespace waybill::kafka
