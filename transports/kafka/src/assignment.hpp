// The partitions that the group has given us: where each of them stands. Pure.
#pragma once

#include "offset_tracker.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

struct Partition {
  Partition(std::string_view its_topic, std::int32_t its_number)
      : topic(its_topic), number(its_number), name(name_of(topic, number)) {}
  static std::string name_of(std::string_view topic, std::int32_t number) {
    return std::string(topic) + '/' + std::to_string(number);
  }

  /// It was ours until just now.
  void comes_back_from(const Partition& before) noexcept;
  /// The first that is heard of it: where we start, and its end; negative: not known.
  void start(std::int64_t offset, std::int64_t end) noexcept;
  /// A record was finished here before the partition came back.
  bool is_done(std::int64_t offset) const noexcept { return offset < done_before; }

  const std::string topic;
  const std::int32_t number;
  const std::string name;  ///< "topic/number"
  OffsetTracker offsets;
  /// Records before it may have been delivered before. Nothing: the partition is not positioned yet.
  std::optional<std::int64_t> fresh_from;
  std::int64_t committed = -1;    ///< What the group has confirmed to us last.
  std::int64_t done_before = -1;  ///< Records before it are done.
  bool is_ours = true;
};

class Assignment {
 public:
  using PartitionPtr = std::shared_ptr<Partition>;

  void add(std::string_view topic, std::int32_t number);
  /// It may be somebody else's from now on. Null: it was not ours.
  PartitionPtr remove(std::string_view topic, std::int32_t number);
  /// The group has shared out anew: what has not come back by now is with others.
  void forget_removed() { removed_.clear(); }
  /// Nothing happens if it is not ours.
  void note_committed(std::string_view topic, std::int32_t number, std::int64_t offset);
  /// Null: not ours. `handle` stands for the topic's name: the partition of the call before, mostly asked for again, is
  /// known by it without looking.
  PartitionPtr find(const void* handle, const char* topic, std::int32_t number);

  std::size_t size() const noexcept { return partitions_.size(); }
  /// All of them; none is all, too.
  bool are_positioned() const noexcept;
  template <class Use>
  void for_each(Use use) const {
    for (const auto& [name, partition] : partitions_) use(*partition);
  }

  /// A record that was taken is finished. REQUIRES: the partition is ours.
  void finish(const PartitionPtr& partition, std::int64_t offset);
  bool has_offsets_to_store() const noexcept { return !advanced_.empty(); }
  /// Calls `use(partition, offset)` where a successor would go on further behind than when last asked.
  template <class Use>
  void take_offsets_to_store(Use use) {
    for (const PartitionPtr& partition : advanced_) {
      const auto next = partition->offsets.advance();
      if (next && partition->is_ours) use(*partition, *next);
    }
    advanced_.clear();
  }

 private:
  std::unordered_map<std::string, PartitionPtr> partitions_;  ///< By name.
  std::unordered_map<std::string, PartitionPtr> removed_;     ///< By name.
  std::vector<PartitionPtr> advanced_;                        ///< With an offset to store.
  const void* last_handle_ = nullptr;                         ///< Of the last one found.
  PartitionPtr last_;
};

}  // namespace waybill::kafka
