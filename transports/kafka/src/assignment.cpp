#include "assignment.hpp"

#include <algorithm>

namespace waybill::kafka {
namespace {

std::string name_of(std::string_view topic, std::int32_t number) {
  return std::string(topic) + '/' + std::to_string(number);
}

}  // namespace

void Assignment::add(std::string_view topic, std::int32_t number) {
  last_.reset();
  partitions_[name_of(topic, number)] = std::make_shared<Partition>(topic, number);
}

Assignment::PartitionPtr Assignment::remove(std::string_view topic, std::int32_t number) {
  last_.reset();
  const auto found = partitions_.extract(name_of(topic, number));
  if (!found) return nullptr;
  found.mapped()->is_ours = false;
  return found.mapped();
}

Assignment::PartitionPtr Assignment::find(const void* handle, const char* topic, std::int32_t number) {
  if (last_ && last_handle_ == handle && last_->number == number) return last_;
  const auto found = partitions_.find(name_of(topic, number));
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
