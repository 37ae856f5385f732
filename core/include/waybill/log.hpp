// Log lines: a level and a text, given to one function that the host may replace. Handed down, never global.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace waybill {

enum class LogLevel { debug, info, warning, error, off };

/// What it throws is dropped.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

/// A line with what it is about, where that is known: a message's pattern, its correlation id and its trace.
struct LogRecord {
  LogLevel level;
  std::string_view line;
  std::string_view pattern = {};
  std::string_view id = {};
  std::string_view trace = {};  ///< 32 hexadecimal digits.
};

/// What it throws is dropped.
using LogRecordSink = std::function<void(const LogRecord& record)>;

/// Writes "waybill <level> <line>" to standard error, one write a line. Holds nobody up: a line for which a pipe has no room, or
/// no reader, is lost, and how many were is said when there is room again. Thread-safe.
LogSink stderr_log();
/// The same as one line of JSON: {"time":"2026-01-31T12:00:00.000Z","level":"info","message":"...","pattern":"...","id":"...",
/// "trace":"..."}; what is not known is left out. Thread-safe.
LogRecordSink stderr_json_log();
/// That line, without its end.
std::string json_line_of(const LogRecord& record);

/// A sink and the least level that it wants. Cheap to copy. Thread-safe if the sink is.
class Log {
 public:
  Log() = default;
  explicit Log(LogSink sink, LogLevel level = LogLevel::info) : sink_(std::move(sink)), level_(level) {}
  explicit Log(LogRecordSink sink, LogLevel level = LogLevel::info) : records_(std::move(sink)), level_(level) {}

  bool wants(LogLevel level) const noexcept { return (sink_ || records_) && level >= level_; }
  /// Whether it makes a difference what lines are about.
  bool wants_records() const noexcept { return static_cast<bool>(records_); }
  /// For lines about one message.
  Log about(std::string pattern, std::string id, std::string trace) const;
  /// The same, but that `change` says of which level each line is.
  Log with_levels(std::function<LogLevel(LogLevel)> change) const;
  /// Parts of a line may come from a peer: control characters are replaced by "?", so that they forge no further lines.
  void write(LogLevel level, std::string_view line) const;
  void debug(std::string_view line) const { write(LogLevel::debug, line); }
  void info(std::string_view line) const { write(LogLevel::info, line); }
  void warning(std::string_view line) const { write(LogLevel::warning, line); }
  void error(std::string_view line) const { write(LogLevel::error, line); }

 private:
  struct Subject {
    std::string pattern, id, trace;
  };
  LogSink sink_;
  LogRecordSink records_;  ///< One of the two, or none.
  std::shared_ptr<const Subject> subject_;
  LogLevel level_ = LogLevel::off;
};

}  // namespace waybill
