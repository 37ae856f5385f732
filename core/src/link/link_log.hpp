// What is logged of a link that comes and goes: every change of a healthy one, a line a minute of one that flaps.
#pragma once

#include "link/link_life.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/log.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace waybill::detail {

/// Gives the level of each line: its own, or `debug` when the same has been told within the last minute. Pure.
class LinkLog {
 public:
  static constexpr std::chrono::minutes k_again{1};

  /// The link could not be opened; `line` says why. Another reason is always told.
  LogLevel failed(std::string_view line, TimePoint now) {
    const bool is_news = line != failure_ || now - failure_told_ >= k_again;
    if (is_news) {
      failure_ = line;
      failure_told_ = now;
      tells_return_ = true;
    }
    return is_news ? LogLevel::warning : LogLevel::debug;
  }
  /// An open link is gone.
  LogLevel lost(TimePoint now) {
    if (now - since_ >= LinkLife::k_settled) {  // what comes next is news again
      failure_.clear();
      was_lost_ = false;
    }
    const bool is_news = !was_lost_ || now - loss_told_ >= k_again;
    was_lost_ = true;
    if (is_news) {
      loss_told_ = now;
      tells_return_ = true;
    }
    return is_news ? LogLevel::warning : LogLevel::debug;
  }
  /// The link is open: told the first time, and after a loss or failure that was told.
  LogLevel ready(TimePoint now) noexcept {
    since_ = now;
    return std::exchange(tells_return_, false) ? LogLevel::info : LogLevel::debug;
  }

 private:
  std::string failure_;
  TimePoint failure_told_{};
  TimePoint loss_told_{};
  TimePoint since_{};
  bool was_lost_ = false;
  bool tells_return_ = true;
};

}  // namespace waybill::detail
