// Variables: what the environment and a .env file have set, for configuration and for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace waybill {

/// A snapshot; names are case-sensitive. A plain value. It may hold secrets: mistakes do not show them.
class Variables {
 public:
  /// What the process has in its environment.
  static Variables of_process();

  void set(std::string name, std::string value) { values_.insert_or_assign(std::move(name), std::move(value)); }
  /// As it is set; null if it is not.
  const std::string* find(std::string_view name) const noexcept;

  /// `otherwise` where it is not set, or set to nothing.
  std::string text(std::string_view name, std::string_view otherwise = {}) const;
  /// The same for a whole number. Throws Error(invalid_config) that says what was expected of which variable.
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t least = 0,
                       std::uint64_t most = UINT64_MAX) const;

  const std::map<std::string, std::string, std::less<>>& all() const noexcept { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace waybill
