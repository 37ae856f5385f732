#include "waybill/log.hpp"

#include <algorithm>
#include <cstdio>

namespace waybill {

namespace {

/// Whoever logs is in the middle of something: what the sink throws must not take that along.
void write_to(const LogSink& sink, LogLevel level, std::string_view line) noexcept {
  try {
    sink(level, line);
  } catch (...) {
    std::fputs("waybill error the log sink threw, a line is lost\n", stderr);
  }
}

}  // namespace

void Log::write(LogLevel level, std::string_view line) const {
  if (!wants(level)) return;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; };
  if (std::none_of(line.begin(), line.end(), is_control)) return write_to(sink_, level, line);
  std::string text(line);
  std::replace_if(text.begin(), text.end(), is_control, '?');
  write_to(sink_, level, text);
}

LogSink stderr_log() {
  return [](LogLevel level, std::string_view line) {
    static constexpr std::string_view k_names[] = {"debug", "info", "warning", "error", "off"};
    std::string text = "waybill ";
    text.append(k_names[static_cast<std::size_t>(level)]).append(" ").append(line).push_back('\n');
    std::fwrite(text.data(), 1, text.size(), stderr);
  };
}

}  // namespace waybill
