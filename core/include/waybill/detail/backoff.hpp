// When to try again: exponential, capped, jittered. Pure: the caller brings the randomness and does the waiting.
#pragma once

#include <chrono>
#include <cstdint>

namespace waybill::detail {

class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds most{1'500};  ///< A broker that is back is found again within this time.
  };
  Backoff() = default;
  explicit Backoff(Options options, unsigned tries = 0) : options_(options), tries_(tries) {}

  /// The current step, which doubles from try to try.
  std::chrono::milliseconds step() const noexcept {
    const auto step = std::chrono::milliseconds(options_.first.count() << (tries_ < 20 ? tries_ : 20));
    return step < options_.most ? step : options_.most;
  }
  /// Half to all of the step, and on to the next. `random`: any 64 bits.
  std::chrono::milliseconds next(std::uint64_t random) noexcept {
    const auto half = step().count() / 2;
    ++tries_;
    return std::chrono::milliseconds(half + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half + 1)));
  }
  void reset() noexcept { tries_ = 0; }

 private:
  Options options_;
  unsigned tries_ = 0;
};

}  // namespace waybill::detail
