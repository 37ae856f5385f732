// A bounded number of places with a bounded queue before them. Pure: time comes in, nothing is waited for.
#pragma once

#include "waybill/detail/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace waybill::detail {

/// Who comes is inside, waits behind those that came earlier, or is refused. Who leaves lets in the first that waits.
class Places {
 public:
  using Ticket = std::uint64_t;
  enum class Standing { inside, waiting, refused };

  Places(std::size_t most_inside, std::size_t most_waiting) : most_inside_(most_inside), most_waiting_(most_waiting) {}

  struct Entry {
    Standing standing;
    Ticket ticket;
  };
  /// Would wait until `limit`. Refused, its ticket names nothing; else the ticket must leave(), once.
  Entry enter(TimePoint now, TimePoint limit) {
    const Ticket ticket = ++last_;
    if (inside_ < most_inside_) {
      ++inside_;
      return {Standing::inside, ticket};
    }
    if (waiting_.size() >= most_waiting_ || limit <= now) return {Standing::refused, 0};
    waiting_.emplace(ticket, limit);
    return {Standing::waiting, ticket};
  }

  /// How it stands with one that waits. Refused, it has given up its turn, and its ticket names nothing any more.
  Standing ask(Ticket ticket, TimePoint now) {
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) return Standing::inside;
    if (now < found->second) return Standing::waiting;
    waiting_.erase(found);
    return Standing::refused;
  }

  /// From inside or from the queue. Who gets in by that, and is to be woken.
  std::optional<Ticket> leave(Ticket ticket, TimePoint now) {
    if (waiting_.erase(ticket) > 0) return std::nullopt;
    // Those whose time has passed are told when they ask.
    for (auto next = waiting_.begin(); next != waiting_.end(); ++next) {
      if (next->second <= now) continue;
      const Ticket first = next->first;
      waiting_.erase(next);
      return first;
    }
    --inside_;
    return std::nullopt;
  }

  std::size_t inside() const noexcept { return inside_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  const std::size_t most_inside_;
  const std::size_t most_waiting_;
  std::size_t inside_ = 0;
  std::map<Ticket, TimePoint> waiting_;  // in the order of their coming, and until when
  Ticket last_ = 0;
};

}  // namespace waybill::detail
