#include "waybill/transports/socket/complaints.hpp"

#include <utility>

namespace waybill::socket {
namespace {

std::string printable(std::string_view line) {
  std::string text(line);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7F') c = '?';
  return text;
}

}  // namespace

void Complaints::write(std::string_view line) {
  if (!log_.wants(LogLevel::warning)) return;
  const auto now = std::chrono::steady_clock::now();
  if (last_ != TimePoint{} && now - last_ < std::chrono::seconds(1)) {
    ++left_out_;
    return;
  }
  last_ = now;
  const std::size_t left_out = std::exchange(left_out_, 0);
  log_.warning(name_ + ": " + printable(line) +
               (left_out ? " (and " + std::to_string(left_out) + " lines like this)" : std::string()));
}

}  // namespace waybill::socket
