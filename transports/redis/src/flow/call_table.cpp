#include "flow/call_table.hpp"

#include <utility>

namespace waybill::redis {

/// Where the key is, or the free place where it would be. REQUIRES: entries_ is not empty.
std::size_t CallTable::place_of(std::uint64_t key) const noexcept {
  const std::size_t mask = entries_.size() - 1;
  std::size_t at = key & mask;
  while (entries_[at].key && entries_[at].key != key) at = (at + 1) & mask;
  return at;
}

bool CallTable::insert(std::uint64_t key, ReplyChannel& channel) {
  if (2 * (size_ + 1) > entries_.size()) grow();
  Entry& entry = entries_[place_of(key)];
  if (entry.key) return false;
  entry = {key, &channel};
  ++size_;
  return true;
}

ReplyChannel* CallTable::find(std::uint64_t key) const noexcept {
  return size_ ? entries_[place_of(key)].channel : nullptr;
}

ReplyChannel* CallTable::erase(std::uint64_t key) noexcept {
  if (!size_) return nullptr;
  std::size_t hole = place_of(key);
  if (!entries_[hole].key) return nullptr;
  ReplyChannel* const channel = entries_[hole].channel;
  --size_;
  // What was pushed behind the hole by collisions moves up.
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; entries_[at].key; at = (at + 1) & mask) {
    const std::size_t home = entries_[at].key & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    entries_[hole] = entries_[at];
    hole = at;
  }
  entries_[hole] = {};
  return channel;
}

void CallTable::grow() {
  std::vector<Entry> old(entries_.empty() ? 64 : 2 * entries_.size());
  std::swap(old, entries_);
  for (const Entry& entry : old)
    if (entry.key) entries_[place_of(entry.key)] = entry;
}

}  // namespace waybill::redis
