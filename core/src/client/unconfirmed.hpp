// Events that were given to the link and that the broker has not confirmed yet: sent again after a loss.
#pragma once

#include "waybill/detail/call.hpp"
#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace waybill::detail {

/// In the order of sending. Bounded by its owner, through bytes().
///
/// Threads: one.
class Unconfirmed {
 public:
  /// Marks the tickets of this class among all of a client's.
  static constexpr Ticket k_mark = Ticket{1} << 62;
  static bool is_of(Ticket ticket) noexcept { return (ticket & k_mark) != 0; }

  struct Event {
    Packet packet;                  ///< Owned.
    std::optional<CallKey> caller;  ///< Nothing: nobody waits for the outcome.
  };

  /// Keeps the event; returns the ticket that it is to be sent with.
  Ticket add(const Packet& packet, std::optional<CallKey> caller);
  /// Removes it. Nothing if it was removed before.
  std::optional<Event> take(Ticket ticket);
  /// Those that are kept, oldest first.
  std::vector<Ticket> tickets() const;
  /// Null if it was removed.
  Event* find(Ticket ticket) noexcept;

  /// What has a number below first_number() is confirmed; what comes next gets next_number().
  std::uint64_t first_number() const noexcept { return first_; }
  std::uint64_t next_number() const noexcept { return first_ + events_.size(); }

  std::size_t bytes() const noexcept { return bytes_; }  ///< Of their packets.
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  std::deque<std::optional<Event>> events_;  // holes where the broker confirmed out of order
  std::uint64_t first_ = 0;                  // the number of the front
  std::size_t bytes_ = 0;
  std::size_t size_ = 0;
};

/// What a packet costs to keep, in bytes.
std::size_t weight(const Packet& packet) noexcept;

}  // namespace waybill::detail
