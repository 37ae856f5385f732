// Why a listener takes nothing for now. Several reasons may hold at once. Pure.
#pragma once

#include <cstdint>

namespace waybill::detail {

class IntakeHold {
 public:
  enum Reason : std::uint8_t { retries = 1, parking = 2 };

  /// True: it is the first reason, so pause now.
  bool add(Reason reason) noexcept {
    const bool was_free = reasons_ == 0;
    reasons_ = static_cast<std::uint8_t>(reasons_ | reason);
    return was_free;
  }
  /// True: it was the last reason, so resume now.
  bool remove(Reason reason) noexcept {
    const bool was_held = reasons_ != 0;
    reasons_ = static_cast<std::uint8_t>(reasons_ & ~reason);
    return was_held && reasons_ == 0;
  }
  /// A new link: it takes messages until somebody holds it.
  void reset() noexcept { reasons_ = 0; }
  bool is_held() const noexcept { return reasons_ != 0; }

 private:
  std::uint8_t reasons_ = 0;
};

}  // namespace waybill::detail
