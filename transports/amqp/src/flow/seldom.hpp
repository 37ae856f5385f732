// Seldom: what goes on and on is said once a minute.
#pragma once

#include <chrono>

namespace waybill::amqp {

class Seldom {
 public:
  /// True at most once a minute.
  bool now() noexcept {
    const auto time = std::chrono::steady_clock::now();
    if (was_said_ && time - said_at_ < std::chrono::minutes(1)) return false;
    was_said_ = true;
    said_at_ = time;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point said_at_{};
  bool was_said_ = false;
};

}  // namespace waybill::amqp
