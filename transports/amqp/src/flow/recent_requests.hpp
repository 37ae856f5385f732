// RecentRequests: which ticket a request has that the broker gives back. Pure.
#pragma once

#include "waybill/transport/transport.hpp"

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace waybill::amqp {

/// The last of them: what cannot be routed comes back within a round trip, in the order in which it was sent.
class RecentRequests {
 public:
  void note(std::string_view id, Ticket ticket) {
    const Entry entry{std::hash<std::string_view>()(id), ticket};
    if (entries_.size() < k_most) return entries_.push_back(entry);
    entries_[next_] = entry;
    next_ = (next_ + 1) % k_most;
  }
  /// 0 when it is not known any more. Finds a request once.
  Ticket take(std::string_view id) noexcept {
    const std::size_t wanted = std::hash<std::string_view>()(id);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[(begin_ + i) % entries_.size()];
      if (entry.id != wanted || !entry.ticket) continue;
      begin_ = (begin_ + i) % entries_.size();  // those before it were routed
      return std::exchange(entry.ticket, 0);
    }
    return 0;
  }
  /// All that are known, which then are not any more.
  std::vector<Ticket> take_all() {
    std::vector<Ticket> tickets;
    for (const Entry& entry : entries_) {
      if (entry.ticket) tickets.push_back(entry.ticket);
    }
    clear();
    return tickets;
  }
  void clear() noexcept {
    entries_.clear();
    next_ = begin_ = 0;
  }

 private:
  static constexpr std::size_t k_most = 16'384;
  struct Entry {
    std::size_t id;
    Ticket ticket;
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  std::size_t begin_ = 0;  ///< Where looking for one begins.
};

}  // namespace waybill::amqp
