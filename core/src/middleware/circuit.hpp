// One circuit: whether calls pass, and what their outcomes mean. Pure: time and randomness come in, nothing is waited for.
#pragma once

#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"
#include "waybill/transport/backoff.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace waybill::detail {

/// Closed: calls pass and are counted. Open: none passes. Half open, after that: `trials` calls pass; if all go well it
/// closes, if one fails it opens for longer.
class Circuit {
 public:
  enum class State { closed, open, half_open };
  enum class Outcome {
    good,
    bad,
    none,  ///< Says nothing: cancelled, or the caller's own mistake.
  };
  /// Names the time in which a call began: what ends in a later one is not counted any more.
  struct Pass {
    std::uint64_t generation = 0;
  };
  struct Counts {
    int calls = 0;
    int failed = 0;
  };

  explicit Circuit(const middleware::CircuitBreakerOptions& options)
      : rate_(options.failure_rate),
        minimum_(options.minimum_calls),
        consecutive_(options.consecutive),
        trials_(options.trials),
        slice_(std::max<TimePoint::duration>(TimePoint::duration(std::min(options.window, k_longest_window)) / k_slices,
                                             TimePoint::duration(1))),
        backoff_({options.open, options.most_open}) {}

  /// Nothing: it may not begin. Whoever has a pass says how it ended, once.
  std::optional<Pass> enter(TimePoint now) {
    if (state_ == State::closed) return Pass{generation_};
    if (now >= until_) {
      // Also when trials are out for as long as it was open: a call that never ends must not keep it from being tried.
      move_to(State::half_open);
      out_ = well_ended_ = 0;
      until_ = deadline_after(now, pause_);
    }
    if (state_ == State::open || out_ + well_ended_ >= trials_) return std::nullopt;
    ++out_;
    return Pass{generation_};
  }

  /// `random`: any 64 bits. True when it has opened or closed by that.
  bool ended(Pass pass, Outcome outcome, TimePoint now, std::uint64_t random) {
    if (pass.generation != generation_ || state_ == State::open) return false;
    if (state_ == State::half_open) return trial_ended(outcome, now, random);
    if (outcome == Outcome::none) return false;
    count(outcome, now);
    const Counts counts = counted(now);
    const bool is_row = consecutive_ > 0 && in_row_ >= consecutive_;
    const bool is_rate = counts.calls >= minimum_ && counts.failed > 0 && counts.failed + 1e-9 >= rate_ * counts.calls;
    if (!is_row && !is_rate) return false;
    open(now, random);
    return true;
  }

  State state() const noexcept { return state_; }
  /// When calls are tried again, at the latest. Of an open or half open one.
  TimePoint until() const noexcept { return until_; }
  /// How long it stays open this time.
  std::chrono::milliseconds pause() const noexcept { return pause_; }
  /// In the window that ends now; of an open one, in the window that opened it.
  Counts counted(TimePoint now) const {
    if (state_ != State::closed) return at_opening_;
    Counts sum;
    const std::int64_t newest = slice_of(now);
    for (const Slice& slice : slices_) {
      if (slice.at <= newest - k_slices || slice.at > newest) continue;
      sum.calls += slice.counts.calls;
      sum.failed += slice.counts.failed;
    }
    return sum;
  }

 private:
  static constexpr std::int64_t k_slices = 10;  // the window moves on by a tenth of itself
  static constexpr std::chrono::milliseconds k_longest_window = std::chrono::hours(24 * 365);  // what clocks can count
  struct Slice {
    std::int64_t at = INT64_MIN;
    Counts counts;
  };

  std::int64_t slice_of(TimePoint now) const { return now.time_since_epoch() / slice_; }

  void count(Outcome outcome, TimePoint now) {
    const std::int64_t at = slice_of(now);
    Slice& slice = slices_[static_cast<std::size_t>(((at % k_slices) + k_slices) % k_slices)];
    if (slice.at != at) slice = {at, {}};
    ++slice.counts.calls;
    slice.counts.failed += outcome == Outcome::bad ? 1 : 0;
    in_row_ = outcome == Outcome::bad ? in_row_ + 1 : 0;
  }

  bool trial_ended(Outcome outcome, TimePoint now, std::uint64_t random) {
    --out_;
    if (outcome == Outcome::none) return false;
    if (outcome == Outcome::bad) {
      open(now, random);
      return true;
    }
    if (++well_ended_ < trials_) return false;
    move_to(State::closed);
    backoff_.reset();
    slices_.fill({});
    in_row_ = 0;
    return true;
  }

  void open(TimePoint now, std::uint64_t random) {
    if (state_ == State::closed) at_opening_ = counted(now);
    move_to(State::open);
    pause_ = backoff_.next_whole(random);
    until_ = deadline_after(now, pause_);
  }

  void move_to(State state) {
    state_ = state;
    ++generation_;
  }

  double rate_;
  int minimum_;
  int consecutive_;
  int trials_;
  TimePoint::duration slice_;
  transport::Backoff backoff_;
  State state_ = State::closed;
  std::uint64_t generation_ = 0;
  TimePoint until_;
  std::chrono::milliseconds pause_{0};
  std::array<Slice, k_slices> slices_;
  Counts at_opening_;
  int in_row_ = 0;
  int out_ = 0;         // trials that have not ended
  int well_ended_ = 0;  // trials
};

}  // namespace waybill::detail
