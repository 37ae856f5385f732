// Which messages without a handler are told of: each pattern once a minute, and not more than so many patterns. Pure.
#pragma once

#include "waybill/detail/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace waybill::detail {

class UnhandledLog {
 public:
  static constexpr std::chrono::minutes k_again{1};
  static constexpr std::size_t k_most = 64;        ///< Patterns told of apart; patterns come from outside.
  static constexpr std::size_t k_most_text = 100;  ///< Bytes of a pattern that are kept and shown.

  struct Line {
    std::uint64_t count = 0;    ///< Messages since the last such line, this one included; 0: no line is due.
    bool is_of_others = false;  ///< Of all patterns for which there is no room.
  };

  Line add(std::string_view pattern, TimePoint now) {
    pattern = pattern.substr(0, k_most_text);
    auto found = told_.find(pattern);
    if (found == told_.end()) {
      if (told_.size() >= k_most) std::erase_if(told_, [now](const auto& entry) { return entry.second.is_due(now); });
      if (told_.size() >= k_most) return {others_.add(now), true};
      found = told_.emplace(pattern, Told{}).first;
    }
    return {found->second.add(now), false};
  }

 private:
  struct Told {
    std::optional<TimePoint> at;
    std::uint64_t count = 0;

    bool is_due(TimePoint now) const noexcept { return !at || now - *at >= k_again; }
    std::uint64_t add(TimePoint now) noexcept {
      ++count;
      if (!is_due(now)) return 0;
      at = now;
      return std::exchange(count, 0);
    }
  };
  std::map<std::string, Told, std::less<>> told_;
  Told others_;
};

/// A pattern from outside as it may stand in a log: short, and without control characters.
inline std::string printable(std::string_view pattern) {
  std::string text(pattern.substr(0, UnhandledLog::k_most_text));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (pattern.size() > text.size()) text += "...";
  return text;
}

}  // namespace waybill::detail
