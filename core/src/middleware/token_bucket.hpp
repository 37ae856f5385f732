// A token bucket with a queue before it. Pure: time comes in, nothing is waited for.
#pragma once

#include "waybill/detail/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

namespace waybill::detail {

/// `rate` tokens come in each `per`, evenly; at most `burst` are kept. Who comes takes one, or waits for one behind those
/// that came earlier: when that will be is known at once, and so who would wait too long is refused at once.
class TokenBucket {
 public:
  using Ticket = std::uint64_t;
  enum class Standing { passed, waiting, refused };

  /// REQUIRES: rate, burst and most_waiting up to a million, `per` up to an hour: 64 bits hold their products.
  TokenBucket(int rate, std::chrono::milliseconds per, int burst, int most_waiting)
      : rate_(rate),
        cost_(std::chrono::nanoseconds(per).count()),
        most_(cost_ * burst),
        most_waiting_(static_cast<std::size_t>(most_waiting)),
        credit_(most_) {}

  struct Entry {
    Standing standing = Standing::refused;
    Ticket ticket = 0;  ///< Of one that waits.
    TimePoint at{};     ///< When one that waits is to ask again.
    std::optional<Ticket> wake =
        std::nullopt;  ///< Who has become the first, earlier than it was told: it is to ask now.
  };

  Entry enter(TimePoint now, TimePoint limit) {
    fill(now);
    if (waiting_.empty() && take()) return {Standing::passed};
    const TimePoint at = turn_of(waiting_.size());
    if (waiting_.size() >= most_waiting_ || at > limit) return {Standing::refused};
    waiting_.emplace(++last_, at);
    return {Standing::waiting, last_, at};
  }

  /// Of one that waits. Passed, its ticket names nothing any more.
  Entry ask(Ticket ticket, TimePoint now) {
    fill(now);
    const auto found = waiting_.find(ticket);
    const auto place = std::distance(waiting_.begin(), found);
    if (place == 0 && take()) {
      waiting_.erase(found);
      return {Standing::passed, 0, {}, earlier_first()};
    }
    found->second = turn_of(static_cast<std::size_t>(place));
    return {Standing::waiting, ticket, found->second};
  }

  /// One that waits gives up. Who is to ask now, if that makes a difference to the first.
  std::optional<Ticket> leave(Ticket ticket, TimePoint now) {
    fill(now);
    const auto found = waiting_.find(ticket);
    const bool was_first = found == waiting_.begin();
    waiting_.erase(found);
    return was_first ? earlier_first() : std::nullopt;
  }

  std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  // A token costs as many units as `per` has nanoseconds, and each nanosecond brings `rate` units: nothing is rounded.
  void fill(TimePoint now) {
    if (!is_begun_) filled_at_ = now;
    is_begun_ = true;
    const std::int64_t passed = std::chrono::nanoseconds(now - filled_at_).count();
    if (passed <= 0) return;
    filled_at_ = now;
    const std::int64_t room = most_ - credit_;
    credit_ = passed > room / rate_ ? most_ : credit_ + passed * rate_;
  }
  bool take() {
    if (credit_ < cost_) return false;
    credit_ -= cost_;
    return true;
  }
  /// When there will be a token for the one behind `before` others.
  TimePoint turn_of(std::size_t before) const {
    const std::int64_t missing = cost_ * static_cast<std::int64_t>(before + 1) - credit_;
    if (missing <= 0) return filled_at_;
    return deadline_after(filled_at_, std::chrono::nanoseconds((missing + rate_ - 1) / rate_));
  }
  std::optional<Ticket> earlier_first() {
    if (waiting_.empty()) return std::nullopt;
    const auto first = waiting_.begin();
    const TimePoint turn = turn_of(0);
    if (turn >= first->second) return std::nullopt;
    first->second = turn;
    return first->first;
  }

  const std::int64_t rate_;
  const std::int64_t cost_;
  const std::int64_t most_;
  const std::size_t most_waiting_;
  std::int64_t credit_;
  TimePoint filled_at_{};
  bool is_begun_ = false;
  std::map<Ticket, TimePoint> waiting_;  // in the order of their coming, and when they will ask
  Ticket last_ = 0;
};

}  // namespace waybill::detail
