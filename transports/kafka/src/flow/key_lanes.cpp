#include "flow/key_lanes.hpp"

namespace waybill::kafka {

bool KeyLanes::enter(const std::string& lane, Item item) {
  const auto [busy, is_free] = lanes_.try_emplace(lane);
  if (!is_free) busy->second.push_back(item);
  return is_free;
}

std::optional<KeyLanes::Item> KeyLanes::leave(const std::string& lane) {
  const auto busy = lanes_.find(lane);
  if (busy == lanes_.end()) return std::nullopt;
  if (busy->second.empty()) {
    lanes_.erase(busy);
    return std::nullopt;
  }
  const Item next = busy->second.front();
  busy->second.pop_front();
  return next;
}

}  // namespace waybill::kafka
