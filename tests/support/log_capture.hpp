// Takes log lines, so that a test may look at them. Thread-safe.
#pragma once

#include "waybill/log.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::test {

class LogCapture {
 public:
  struct Line {
    LogLevel level;
    std::string text;
  };

  /// Both share the captured lines and may outlive this object.
  LogSink sink() const {
    return [shared = shared_](LogLevel level, std::string_view line) {
      const std::lock_guard lock(shared->mutex);
      shared->lines.push_back({level, std::string(line)});
    };
  }
  Log log(LogLevel least = LogLevel::debug) const { return Log(sink(), least); }

  std::vector<Line> lines() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->lines;
  }
  /// How many lines contain `part`.
  std::size_t count(std::string_view part) const {
    const auto all = lines();
    const auto contains = [part](const Line& line) { return line.text.find(part) != std::string::npos; };
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), contains));
  }
  bool contains(std::string_view part) const { return count(part) > 0; }
  /// For the text of a failure.
  std::string last_lines() const {
    std::string text;
    const auto all = lines();
    for (std::size_t i = all.size() > 20 ? all.size() - 20 : 0; i < all.size(); ++i) text += all[i].text + '\n';
    return text;
  }

 private:
  struct Shared {
    mutable std::mutex mutex;
    std::vector<Line> lines;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace waybill::test
