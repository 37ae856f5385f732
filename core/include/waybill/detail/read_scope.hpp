// Which read of a socket is being told of: what one read brought came at one time.
#pragma once

#include <cstdint>

namespace waybill::detail {

/// Around the telling of what one read brought. Of one thread.
class ReadScope {
 public:
  ReadScope() noexcept : before_(t_current) { t_current = ++t_last; }
  ~ReadScope() { t_current = before_; }
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

  /// 0: outside of a read.
  static std::uint64_t current() noexcept { return t_current; }

 private:
  static inline thread_local std::uint64_t t_last = 0;
  static inline thread_local std::uint64_t t_current = 0;
  std::uint64_t before_;
};

}  // namespace waybill::detail
