// Log lines: a level and a text, given to one function that the host may replace. Handed down, never global.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace waybill {

enum class LogLevel { debug, info, warning, error, off };

/// What it throws is dropped.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

/// Writes "waybill <level> <line>" to standard error, one write a line. Thread-safe.
LogSink stderr_log();

/// A sink and the least level that it wants. Cheap to copy. Thread-safe if the sink is.
class Log {
 public:
  Log() = default;
  explicit Log(LogSink sink, LogLevel level = LogLevel::info) : sink_(std::move(sink)), level_(level) {}

  bool wants(LogLevel level) const noexcept { return sink_ && level >= level_; }
  /// Parts of a line may come from a peer: control characters are replaced by "?", so that they forge no further lines.
  void write(LogLevel level, std::string_view line) const;
  void debug(std::string_view line) const { write(LogLevel::debug, line); }
  void info(std::string_view line) const { write(LogLevel::info, line); }
  void warning(std::string_view line) const { write(LogLevel::warning, line); }
  void error(std::string_view line) const { write(LogLevel::error, line); }

 private:
  LogSink sink_;
  LogLevel level_ = LogLevel::off;
};

}  // namespace waybill
