// Complaints: warnings about what comes from outside, at most one a second, so that bad input cannot flood the log.
#pragma once

#include "waybill/log.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace waybill::socket {

/// Threads: one. A line that was left out is counted in the next one that is written.
class Complaints {
 public:
  /// `name` goes before each line: "tcp".
  Complaints(Log log, std::string_view name) : log_(std::move(log)), name_(name) {}
  void write(std::string_view line);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  Log log_;
  std::string name_;
  TimePoint last_{};
  std::size_t left_out_ = 0;
};

}  // namespace waybill::socket
