// PairState: how far the two connections of a link have come. Loss wins over every other event, whichever came first, as
// long as nobody has acted on the other. Pure: no socket, no timer.
//
//   dialling -> logging_in -> up -> (subscribing -> up) -> watched -> over
#pragma once

#include "waybill/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace waybill::redis {

class PairState {
 public:
  enum class Phase : std::uint8_t { dialling, logging_in, up, subscribing, watched, over };
  enum class Side : std::uint8_t { subscriber, publisher };

  void dialled() noexcept {
    if (phase_ == Phase::dialling) phase_ = Phase::logging_in;
  }
  /// Each event of a step returns true when whoever waits for the step is to be woken; conclude() then tells the outcome.
  bool ready(Side side) noexcept {
    if (phase_ != Phase::logging_in) return false;
    ready_[static_cast<std::size_t>(side)] = true;
    return is_step_done();
  }
  /// So many acknowledgements make the next step. REQUIRES: the login was concluded.
  void expect(std::size_t acknowledgements) noexcept {
    if (phase_ != Phase::up) return;
    phase_ = Phase::subscribing;
    missing_ = acknowledgements;
  }
  bool acknowledged() noexcept {
    if (phase_ != Phase::subscribing || missing_ == 0) return false;
    --missing_;
    return is_step_done();
  }
  bool is_step_done() const noexcept {
    return (phase_ == Phase::logging_in && ready_[0] && ready_[1]) || (phase_ == Phase::subscribing && missing_ == 0);
  }

  enum class Loss : std::uint8_t {
    ignored,  ///< It was over before.
    kept,     ///< Whoever opens is to be woken, and learns of it from conclude() or watch().
    told,     ///< The link is to be told.
  };
  Loss lost(Error reason) {
    if (phase_ == Phase::over) return Loss::ignored;
    const bool is_watched = std::exchange(phase_, Phase::over) == Phase::watched;
    reason_.emplace(std::move(reason));
    return is_watched ? Loss::told : Loss::kept;
  }

  /// The outcome of a step, for whoever waited for it. `otherwise`: what ended the wait, if it was no event of the step.
  Result<void> conclude(const Result<void>& otherwise) {
    if (phase_ != Phase::over && !is_step_done()) lost(otherwise ? not_done() : otherwise.error());
    if (phase_ == Phase::over) return *reason_;
    phase_ = Phase::up;
    return {};
  }
  /// From here on a loss is told; one that came before is returned.
  Result<void> watch() {
    if (phase_ != Phase::over && phase_ != Phase::up) lost(not_done());
    if (phase_ == Phase::over) return *reason_;
    phase_ = Phase::watched;
    return {};
  }

  Phase phase() const noexcept { return phase_; }
  bool is_over() const noexcept { return phase_ == Phase::over; }
  /// Both are logged in, and neither is lost.
  bool is_up() const noexcept {
    return phase_ == Phase::up || phase_ == Phase::subscribing || phase_ == Phase::watched;
  }

 private:
  static Error not_done() { return Error(errc::cancelled, "opening was cancelled", End::rejected); }

  Phase phase_ = Phase::dialling;
  bool ready_[2] = {false, false};
  std::size_t missing_ = 0;
  std::optional<Error> reason_;
};

}  // namespace waybill::redis
