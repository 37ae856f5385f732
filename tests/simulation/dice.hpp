// What a seed decides.
#pragma once

#include <chrono>
#include <cstdint>

namespace waybill::simulation {

/// SplitMix64 (Steele, Lea and Flood, 2014): the same on every machine, which the standard's distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
  }
  /// 0 to most - 1.
  int below(int most) noexcept { return static_cast<int>(next() % static_cast<std::uint64_t>(most)); }
  bool one_in(int many) noexcept { return below(many) == 0; }
  std::chrono::milliseconds up_to(std::chrono::milliseconds most) noexcept {
    return std::chrono::milliseconds(static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most.count() + 1)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace waybill::simulation
