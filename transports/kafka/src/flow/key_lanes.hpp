// Order within a key: one at a time in each lane, all lanes side by side. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace waybill::kafka {

class KeyLanes {
 public:
  using Item = std::uint32_t;

  /// True: the item may run now. False: it waits for those before it in the lane.
  bool enter(const std::string& lane, Item item);
  /// The running item of the lane is finished; the next one, if one waits, may run now.
  std::optional<Item> leave(const std::string& lane);
  /// The lane is free, and nobody waits in it any more.
  void drop(const std::string& lane) { lanes_.erase(lane); }

  std::size_t lanes() const noexcept { return lanes_.size(); }

 private:
  std::unordered_map<std::string, std::deque<Item>> lanes_;  ///< Busy lanes, with who waits.
};

}  // namespace waybill::kafka
