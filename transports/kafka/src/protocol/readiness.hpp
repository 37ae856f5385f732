// When a consumer may say that it receives: its group has spoken, and the partitions that it gave are positioned. Pure.
#pragma once

#include "flow/assignment.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

class Readiness {
 public:
  /// Names, and regular expressions, which start with `^`.
  void subscribed(const std::vector<std::string>& topics) { names_ = {topics.begin(), topics.end()}; }
  bool is_joining() const noexcept { return phase_ == Phase::joining; }
  /// The group has given us partitions, or told us that there are none. True: for the first time.
  bool assigned() noexcept;
  /// No topic matches this regular expression. While none of ours matches there is nothing to join a group for, and no
  /// partition to wait for.
  void unmatched(std::string_view expression);
  /// Every second. `is_taken_in`: by a group that tells nothing to a member that gets nothing.
  void tick(bool is_taken_in = false) noexcept;
  /// True: it is ready now. Once. A partition that has no leader for long is not waited for, if others have theirs.
  bool turns_ready(const Assignment& assignment) noexcept;

 private:
  enum class Phase : std::uint8_t { joining, positioning, ready };

  std::set<std::string> names_;
  std::set<std::string> unmatched_;
  Phase phase_ = Phase::joining;
  int waited_ = 0;  ///< Seconds since the group has spoken...
  int silent_ = 0;  ///< ...and since it has us and says nothing.
};

}  // namespace waybill::kafka
