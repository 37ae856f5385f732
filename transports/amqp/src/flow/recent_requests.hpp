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
    const Entry entry{std::hash<std::string_view>()(id), ticket, false};
    if (entries_.size() < k_most) return entries_.push_back(entry);
    entries_[next_] = entry;
    next_ = (next_ + 1) % k_most;
  }
  struct Taken {
    Ticket ticket = 0;        ///< 0: it is not known any more.
    bool is_doubted = false;  ///< Sent before doubt().
  };
  /// Finds a request once.
  Taken take(std::string_view id) noexcept {
    const std::size_t wanted = std::hash<std::string_view>()(id);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[(begin_ + i) % entries_.size()];
      if (entry.id != wanted || !entry.ticket) continue;
      begin_ = (begin_ + i) % entries_.size();  // those before it were routed
      return {std::exchange(entry.ticket, 0), entry.is_doubted};
    }
    return {};
  }
  /// Of what was sent so far nobody knows any more whether a request that is given back was not delivered before.
  void doubt() noexcept {
    for (Entry& entry : entries_) entry.is_doubted = true;
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
    bool is_doubted;
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  std::size_t begin_ = 0;  ///< Where looking for one begins.
};

}  // namespace waybill::amqp
