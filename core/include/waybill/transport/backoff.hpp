// When to try again: exponential, capped, jittered. Pure: the caller brings the randomness and does the waiting.
#pragma once

#include <chrono>
#include <cstdint>

namespace waybill::transport {

class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds most{1'500};  ///< A broker that is back is found again within this time.
  };
  Backoff() = default;
  explicit Backoff(Options options, unsigned tries = 0) : options_(options), tries_(tries) {}

  /// The current step, which doubles from try to try. What is negative counts as nothing.
  std::chrono::milliseconds step() const noexcept {
    std::int64_t step = options_.first.count();
    const std::int64_t most = options_.most.count();
    if (step <= 0 || most <= 0) return std::chrono::milliseconds(0);
    for (unsigned i = 0; i < tries_ && step < most; ++i) step = step > most / 2 ? most : step * 2;
    return std::chrono::milliseconds(step < most ? step : most);
  }
  /// Half to all of the step, and on to the next. `random`: any 64 bits.
  std::chrono::milliseconds next(std::uint64_t random) noexcept {
    const std::int64_t half = step().count() / 2;
    ++tries_;
    return std::chrono::milliseconds(half + up_to(half, random));
  }
  /// As next(), but never less than the step: up to half of it more, where the cap leaves room.
  std::chrono::milliseconds next_whole(std::uint64_t random) noexcept {
    const std::int64_t whole = step().count();
    const std::int64_t room = whole > 0 ? options_.most.count() - whole : 0;
    ++tries_;
    return std::chrono::milliseconds(whole + up_to(room < whole / 2 ? room : whole / 2, random));
  }
  void reset() noexcept { tries_ = 0; }

 private:
  static std::int64_t up_to(std::int64_t most, std::uint64_t random) noexcept {
    return static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(most) + 1));
  }
  Options options_;
  unsigned tries_ = 0;
};

}  // namespace waybill::transport
