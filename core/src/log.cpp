#include "waybill/log.hpp"

#include "stderr_line.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

namespace waybill {

namespace {

constexpr std::string_view k_levels[] = {"debug", "info", "warning", "error", "off"};

std::string_view name_of(LogLevel level) noexcept { return k_levels[static_cast<std::size_t>(level)]; }

/// "2026-01-31T12:00:00.000Z"
std::string time_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char date[32];
  char text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text, sizeof text, "%s.%03ldZ", date, now.tv_nsec / 1'000'000);
  return text;
}

/// In quotes; lines may show bytes of others, which JSON has no place for.
void append_text(std::string_view text, std::string& json) {
  if (format::is_utf8(text)) return format::append_quoted(text, json);
  std::string valid;
  while (!text.empty()) format::append_utf8(format::next_code_point(text), valid);
  format::append_quoted(valid, json);
}

}  // namespace

Log Log::about(std::string pattern, std::string id, std::string trace) const {
  Log log = *this;
  log.subject_ = std::make_shared<const Subject>(Subject{std::move(pattern), std::move(id), std::move(trace)});
  return log;
}

Log Log::with_levels(std::function<LogLevel(LogLevel)> change) const {
  Log log = *this;
  if (sink_) {
    log.sink_ = [inner = *this, change](LogLevel level, std::string_view line) { inner.write(change(level), line); };
  } else if (records_) {
    log.records_ = [inner = *this, change](LogRecord record) {
      record.level = change(record.level);
      if (inner.wants(record.level)) inner.records_(record);
    };
  }
  return log;
}

void Log::write(LogLevel level, std::string_view line) const {
  if (!wants(level)) return;
  std::string text;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; };
  if (std::any_of(line.begin(), line.end(), is_control)) {
    text = line;
    std::replace_if(text.begin(), text.end(), is_control, '?');
    line = text;
  }
  // Whoever logs is in the middle of something: what the sink throws must not take that along.
  try {
    if (sink_) return sink_(level, line);
    LogRecord record{level, line};
    if (subject_) {
      record.pattern = subject_->pattern;
      record.id = subject_->id;
      record.trace = subject_->trace;
    }
    records_(record);
  } catch (...) {
    detail::write_to_stderr("waybill error the log sink threw, a line is lost\n");
  }
}

LogSink stderr_log() {
  return [](LogLevel level, std::string_view line) {
    std::string text = "waybill ";
    text.append(name_of(level)).append(" ").append(line).push_back('\n');
    detail::write_to_stderr(text);
  };
}

std::string json_line_of(const LogRecord& record) {
  std::string json =
      "{\"time\":\"" + time_text() + "\",\"level\":\"" + std::string(name_of(record.level)) + "\",\"message\":";
  append_text(record.line, json);
  const auto add = [&json](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    json.append(",\"").append(name).append("\":");
    append_text(value, json);
  };
  add("pattern", record.pattern);
  add("id", record.id);
  add("trace", record.trace);
  return json + '}';
}

LogRecordSink stderr_json_log() {
  return [](const LogRecord& record) { detail::write_to_stderr(json_line_of(record) + '\n'); };
}

}  // namespace waybill
