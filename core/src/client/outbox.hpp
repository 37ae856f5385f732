// Packets that wait until they can be given to the link.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace waybill::detail {

/// In the order of sending. Bounded by its owner, through bytes().
///
/// Threads: one.
class Outbox {
 public:
  struct Entry {
    Packet packet;  ///< Owned.
    Ticket ticket;  ///< 0: nobody waits for the outcome.
    CallKey key;
    TimePoint give_up;
    std::uint64_t number;  ///< Counts all that ever waited.
  };

  void add(const Packet& packet, Ticket ticket, CallKey key, TimePoint give_up);
  /// The oldest. REQUIRES: !empty().
  const Entry& front() const noexcept { return entries_.front(); }
  Entry pop();
  /// The entry of the call, if it is still here.
  std::optional<Entry> take(CallKey key);
  /// Those whose time is up.
  std::vector<Entry> take_late(TimePoint now);
  std::vector<Entry> take_all();

  /// No entry gives up earlier than this; max() if there is none.
  TimePoint earliest() const noexcept { return entries_.empty() ? TimePoint::max() : earliest_; }
  /// What has a number below first_number() has left; what comes next gets next_number().
  std::uint64_t first_number() const noexcept { return entries_.empty() ? next_ : entries_.front().number; }
  std::uint64_t next_number() const noexcept { return next_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }

 private:
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 0;
  TimePoint earliest_ = TimePoint::max();
};

}  // namespace waybill::detail
