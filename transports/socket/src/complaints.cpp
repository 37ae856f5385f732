#include "waybill/transports/socket/complaints.hpp"

#include <utility>

namespace waybill::socket {

void Complaints::write(std::string_view line) {
  if (!log_.wants(LogLevel::warning)) return;
  const auto now = std::chrono::steady_clock::now();
  if (last_ != TimePoint{} && now - last_ < std::chrono::seconds(1)) {
    ++left_out_;
    return;
  }
  last_ = now;
  const std::size_t left_out = std::exchange(left_out_, 0);
  log_.warning(name_ + ": " + std::string(line) +
               (left_out ? " (and " + std::to_string(left_out) + " others left out)" : std::string()));
}

}  // namespace waybill::socket
