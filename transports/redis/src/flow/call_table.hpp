// CallTable: which reply channel a request in flight belongs to, by the hash of its id.
#pragma once

#include "waybill/transport/packet.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace waybill::redis {

struct ReplyChannel;

/// Open addressing without tombstones: a request costs one probe or two, and no allocation. Ids that hash alike share
/// an entry, which costs nothing but the precision of a count.
class CallTable {
 public:
  static std::uint64_t key_of(Term id) noexcept {
    const std::uint64_t hash = std::hash<std::string_view>{}(id.text) ^ (id.is_json ? 0x9E37'79B9'7F4A'7C15u : 0);
    return hash ? hash : 1;
  }

  /// False when the key is there already; it stays as it is.
  bool insert(std::uint64_t key, ReplyChannel& channel);
  ReplyChannel* find(std::uint64_t key) const noexcept;
  /// The channel that the key had; null if it was not there.
  ReplyChannel* erase(std::uint64_t key) noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  struct Entry {
    std::uint64_t key = 0;  // 0: free
    ReplyChannel* channel = nullptr;
  };
  std::size_t place_of(std::uint64_t key) const noexcept;
  void grow();

  std::vector<Entry> entries_;  // a power of two; at most half of them used
  std::size_t size_ = 0;
};

}  // namespace waybill::redis
