// LeftCallers: ids of requests whose callers wait no longer, as a client of waybill tells: with a request of the pattern
// k_cancel_pattern under the same id. To a NestJS service that is one more request without a handler, whose answer finds
// nobody.
#pragma once

#include "waybill/transport/packet.hpp"

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>

namespace waybill::tcp {

inline constexpr std::string_view k_cancel_pattern = "waybill.cancel";

inline bool is_cancel(const Packet& packet) noexcept {
  return packet.kind == PacketKind::request && packet.pattern.text == k_cancel_pattern && !packet.pattern.is_json;
}

/// Of one connection. Bounded: of more the oldest are forgotten, whose handlers then learn nothing.
class LeftCallers {
 public:
  bool contains(Term id) const noexcept { return !ids_.empty() && ids_.find(id.text) != ids_.end(); }
  void add(Term id) {
    if (id.text.empty() || id.text.size() > k_longest_id || !ids_.emplace(id.text).second) return;
    in_order_.emplace_back(id.text);
    if (in_order_.size() <= k_most) return;
    ids_.erase(in_order_.front());
    in_order_.pop_front();
  }
  /// All that was in hand has ended.
  void clear() noexcept {
    ids_.clear();
    in_order_.clear();
  }
  bool is_empty() const noexcept { return ids_.empty(); }

 private:
  static constexpr std::size_t k_most = 1024;
  static constexpr std::size_t k_longest_id = 64;
  std::set<std::string, std::less<>> ids_;
  std::deque<std::string> in_order_;
};

}  // namespace waybill::tcp
