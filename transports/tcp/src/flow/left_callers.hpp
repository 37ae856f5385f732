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
#include <utility>

namespace waybill::tcp {

inline constexpr std::string_view k_cancel_pattern = "waybill.cancel";

inline bool is_cancel(const Packet& packet) noexcept {
  return packet.kind == PacketKind::request && packet.pattern.text == k_cancel_pattern && !packet.pattern.is_json;
}

/// Of one connection. Bounded: of more the oldest are forgotten, whose handlers then learn nothing.
class LeftCallers {
 public:
  explicit LeftCallers(std::size_t most) : most_(most) {}

  bool contains(Term id) const noexcept { return !in_order_.empty() && of(id).contains(id.text); }
  void add(Term id) {
    if (id.text.empty() || id.text.size() > k_longest_id) return;
    const auto [at, is_new] = of(id).emplace(id.text);
    if (!is_new) return;
    in_order_.push_back({id.is_json, *at});
    if (in_order_.size() <= most_) return;
    ids_[in_order_.front().first].erase(in_order_.front().second);
    in_order_.pop_front();
  }
  /// False: it was not there.
  bool remove(Term id) {
    if (!contains(id)) return false;
    of(id).erase(of(id).find(id.text));
    std::erase(in_order_, std::pair<bool, std::string>(id.is_json, id.text));
    return true;
  }
  /// All that was in hand has ended.
  void clear() noexcept {
    for (Ids& ids : ids_) ids.clear();
    in_order_.clear();
  }
  bool is_empty() const noexcept { return in_order_.empty(); }

 private:
  static constexpr std::size_t k_longest_id = 64;
  using Ids = std::set<std::string, std::less<>>;
  Ids& of(Term id) noexcept { return ids_[id.is_json]; }
  const Ids& of(Term id) const noexcept { return ids_[id.is_json]; }

  std::size_t most_;
  Ids ids_[2];  // texts, and JSON
  std::deque<std::pair<bool, std::string>> in_order_;
};

}  // namespace waybill::tcp
