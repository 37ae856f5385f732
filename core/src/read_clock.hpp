// The time for observers, read as seldom as it makes no difference.
#pragma once

#include "waybill/detail/read_scope.hpp"
#include "waybill/time.hpp"

#include <cstdint>

namespace waybill::detail {

/// Threads: one at a time, that of the loop that tells of reads.
class ReadClock {
 public:
  explicit ReadClock(const Clock& clock) : clock_(clock) {}

  Clock::TimePoint now() {
    read_ = ReadScope::current();
    return last_ = clock_.now();
  }
  /// What the last now() gave within the same read of a socket; else now().
  Clock::TimePoint of_read() { return read_ && read_ == ReadScope::current() ? last_ : now(); }

 private:
  const Clock& clock_;
  Clock::TimePoint last_{};
  std::uint64_t read_ = 0;
};

}  // namespace waybill::detail
