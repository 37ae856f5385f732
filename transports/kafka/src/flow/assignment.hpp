// The partitions that the group has given us: where each of them stands. Pure.
#pragma once

#include "flow/offset_tracker.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace waybill::kafka {

/// Lives on, with what is known of its records, while some of them are in hand here, whoever has it meanwhile.
struct Partition {
  Partition(std::string_view its_topic, std::int32_t its_number)
      : topic(its_topic), number(its_number), name(name_of(topic, number)) {}
  static std::string name_of(std::string_view topic, std::int32_t number) {
    return std::string(topic) + '/' + std::to_string(number);
  }

  /// It is ours from now on, again perhaps. `offset`: what the group has committed; negative: nothing, or not known.
  void given(std::int64_t offset) noexcept;
  /// The first that is heard of it then: where we start, and its end; negative: not known.
  void start(std::int64_t offset, std::int64_t end) noexcept;
  /// Records ascend: one at or before the last that came belongs to another log of this name.
  bool is_of_another_log(std::int64_t offset) const noexcept { return fresh_from && offset <= last; }

  const std::string topic;
  const std::int32_t number;
  const std::string name;  ///< "topic/number"
  OffsetTracker offsets;
  /// Records before it may have been delivered before. Nothing: the partition is not positioned yet.
  std::optional<std::int64_t> fresh_from;
  std::int64_t committed = -1;  ///< By the group, as far as we know.
  std::int64_t last = -1;       ///< The record that came last since it is ours; negative: none.
  std::size_t in_hand = 0;      ///< Of its records.
  std::size_t waiting = 0;      ///< Taken, and not in hand: for others of their key, or to be tried again.
  std::size_t waiting_bytes = 0;
  bool is_ours = true;
  bool is_gone = false;      ///< Deleted; nobody else will ever handle what came of it.
  bool is_leaving = false;   ///< Ours only until what is in hand is finished.
  bool is_held = false;      ///< Paused, because too much of it is unfinished.
  bool is_advanced = false;  ///< It is among those with an offset to store.
};

class Assignment {
 public:
  using PartitionPtr = std::shared_ptr<Partition>;

  /// `committed`: as for Partition::given().
  void add(std::string_view topic, std::int32_t number, std::int64_t committed = -1);
  /// It may be somebody else's from now on. Null: it was not ours.
  PartitionPtr remove(std::string_view topic, std::int32_t number);
  /// It was deleted: what is known of its records has nothing to do with those of the one that has its place now.
  PartitionPtr renew(const PartitionPtr& gone);
  /// The group has shared out anew: what has not come back by now is with others.
  void forget_removed();
  /// Nothing happens if it is not ours.
  void note_committed(std::string_view topic, std::int32_t number, std::int64_t offset);
  /// Null: not ours. `handle` stands for the topic's name: the partition of the call before, mostly asked for again, is
  /// known by it without looking.
  PartitionPtr find(const void* handle, const char* topic, std::int32_t number);
  PartitionPtr find(std::string_view topic, std::int32_t number) const;

  std::size_t size() const noexcept { return partitions_.size(); }
  /// All of them; none is all, too.
  bool are_positioned() const noexcept { return positioned() == size(); }
  std::size_t positioned() const noexcept;
  template <class Use>
  void for_each(Use use) const {
    for (const auto& [name, partition] : partitions_) use(*partition);
  }

  /// A record that was taken is finished. REQUIRES: the partition is ours.
  void finish(const PartitionPtr& partition, std::int64_t offset) {
    if (partition->offsets.finish(offset)) note_advance(partition);
  }
  /// Its offsets may have advanced.
  void note_advance(const PartitionPtr& partition);
  bool has_offsets_to_store() const noexcept { return !advanced_.empty(); }
  /// Calls `use(partition, offset)` where a successor would go on further behind than when last asked.
  template <class Use>
  void take_offsets_to_store(Use use) {
    for (const PartitionPtr& partition : advanced_) {
      partition->is_advanced = false;
      if (!partition->is_ours) continue;
      if (const auto next = partition->offsets.advance()) use(*partition, *next);
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
