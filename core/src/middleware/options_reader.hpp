// Reads the options of one middleware of a configuration, and finds every mistake in them.
#pragma once

#include "middleware/configured.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// Every option that is asked for is known; finish() tells the others.
class MiddlewareOptions {
 public:
  MiddlewareOptions(const WrittenMiddleware& written, const MistakeAt& mistake)
      : written_(written), mistake_(mistake) {}

  /// The option that a single value beside the name is meant for.
  void main(std::string_view name) { main_ = name; }
  bool has(std::string_view name) const;

  void number(std::string_view name, int& into, int least, int most = 1'000'000);
  void duration(std::string_view name, std::chrono::milliseconds& into);
  /// "100ms..10s", or one duration for both.
  void durations(std::string_view name, std::chrono::milliseconds& first, std::chrono::milliseconds& most);
  /// "0.5" or "50%", more than 0 and at most 1.
  void share(std::string_view name, double& into);
  void flag(std::string_view name, bool& into);
  void text(std::string_view name, std::string& into);
  /// One of `choices`; its place among them.
  void choice(std::string_view name, std::span<const std::string_view> choices, std::size_t& into);

  void mistake(std::string_view what);
  void finish();
  bool is_good() const noexcept { return is_good_; }
  const std::vector<std::string>& known() const noexcept { return known_; }

 private:
  const WrittenOption* find(std::string_view name);
  void expected(std::string_view name, const WrittenOption& found, std::string_view what);
  const WrittenMiddleware& written_;
  const MistakeAt& mistake_;
  std::string_view main_;
  std::vector<std::string> known_;
  bool is_good_ = true;
};

}  // namespace waybill::detail
