#include "protocol/readiness.hpp"

namespace waybill::kafka {
namespace {

constexpr int k_grace = 3;  ///< Seconds in which a leader is elected, or a share is given, if one can be.

}  // namespace

bool Readiness::assigned() noexcept {
  if (phase_ != Phase::joining) return false;
  phase_ = Phase::positioning;
  return true;
}

void Readiness::unmatched(std::string_view expression) {
  unmatched_.emplace(expression);
  if (unmatched_.size() == names_.size()) assigned();
}

void Readiness::tick(bool is_taken_in) noexcept {
  if (phase_ == Phase::positioning) ++waited_;
  if (is_joining() && is_taken_in && ++silent_ >= k_grace) assigned();
}

bool Readiness::turns_ready(const Assignment& assignment) noexcept {
  if (phase_ != Phase::positioning) return false;
  const std::size_t positioned = assignment.positioned();
  if (positioned < assignment.size() && (positioned == 0 || waited_ < k_grace)) return false;
  phase_ = Phase::ready;
  return true;
}

}  // namespace waybill::kafka
