// When a link is open, when it is to be opened again, and after which pause. Pure: the caller brings time, randomness,
// and the outcome of what it was asked to do.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/transport/backoff.hpp"

#include <cstdint>

namespace waybill::detail {

/// The life of one link after another. A loss wins over readiness in every order of events: a link that is told lost
/// while it is still being opened never counts as open.
///
/// The backoff is forgotten only when a link has lived for k_settled: one that opens and dies at once is opened again as
/// slowly as one that does not open.
class LinkLife {
 public:
  static constexpr std::chrono::seconds k_settled{10};
  enum class State { closed, opening, open };

  State state() const noexcept { return state_; }

  /// An attempt begins.
  void begin() noexcept {
    state_ = State::opening;
    is_lost_early_ = false;
  }
  /// The attempt has succeeded; false: the link was lost meanwhile, so the attempt has failed.
  bool opened(TimePoint now) noexcept {
    if (is_lost_early_) return failed();
    state_ = State::open;
    since_ = now;
    return true;
  }
  /// The attempt has failed.
  bool failed() noexcept {
    state_ = State::closed;
    return false;
  }
  /// The carrier says that the link is gone; true: an open one was lost, so its owner is to be told.
  bool lost(TimePoint now) noexcept {
    if (state_ == State::opening) is_lost_early_ = true;
    if (state_ != State::open) return false;
    state_ = State::closed;
    if (now - since_ >= k_settled) backoff_.reset();
    return true;
  }
  /// How long to wait before the next attempt.
  std::chrono::milliseconds pause(std::uint64_t random) noexcept { return backoff_.next(random); }

 private:
  transport::Backoff backoff_;
  State state_ = State::closed;
  bool is_lost_early_ = false;
  TimePoint since_{};
};

}  // namespace waybill::detail
