#include "readiness.hpp"

namespace waybill::kafka {

bool Readiness::assigned() noexcept {
  if (phase_ != Phase::joining) return false;
  phase_ = Phase::positioning;
  return true;
}

void Readiness::unmatched(std::string_view expression) {
  unmatched_.emplace(expression);
  if (unmatched_.size() == names_.size()) assigned();
}

bool Readiness::turns_ready(const Assignment& assignment) noexcept {
  if (phase_ != Phase::positioning || !assignment.are_positioned()) return false;
  phase_ = Phase::ready;
  return true;
}

}  // namespace waybill::kafka
