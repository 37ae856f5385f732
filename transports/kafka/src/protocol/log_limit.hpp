// Lines that would come again and again: each kind once a minute, with how often it came meanwhile. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace waybill::kafka {

/// Of kinds there are few: they are the program's or librdkafka's.
class LogLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What to put behind the line; nothing: say nothing now.
  std::optional<std::string> wants(std::string_view kind, Time now) {
    auto found = kinds_.find(kind);
    if (found == kinds_.end()) found = kinds_.emplace(std::string(kind), Kind{now - k_pause, 0}).first;
    Kind& its = found->second;
    ++its.count;
    if (now - its.last < k_pause) return std::nullopt;
    its.last = now;
    const std::size_t count = std::exchange(its.count, 0);
    return count > 1 ? " (" + std::to_string(count) + " times)" : std::string();
  }

 private:
  static constexpr std::chrono::minutes k_pause{1};
  struct Kind {
    Time last;
    std::size_t count;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace waybill::kafka
