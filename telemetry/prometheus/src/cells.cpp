#include "cells.hpp"

namespace waybill::telemetry {

std::size_t Failures::place_of(const Error& error) noexcept {
  const std::error_code& code = error.code();
  if (code.category() == waybill_category()) {
    const auto place = static_cast<std::size_t>(code.value());
    return place < k_codes.size() ? place : 0;
  }
  for (std::size_t place = 1; place < k_codes.size(); ++place) {  // a carrier's own, which it maps
    if (code == static_cast<errc>(place)) return place;
  }
  return 0;
}

void Link::changed(Status to) noexcept {
  if (to == Status::interrupted) was_lost_ = true;
  if (to == Status::ready) {
    if (was_ready_ && was_lost_) reconnects_.add();
    was_ready_ = true;
    was_lost_ = false;
  }
  status_.store(to, std::memory_order_relaxed);
}

}  // namespace waybill::telemetry
