#include "waybill/log.hpp"

#include <cstdio>

namespace waybill {

LogSink stderr_log() {
  return [](LogLevel level, std::string_view line) {
    static constexpr std::string_view k_names[] = {"debug", "info", "warning", "error", "off"};
    std::string text = "waybill ";
    text.append(k_names[static_cast<std::size_t>(level)]).append(" ").append(line).push_back('\n');
    std::fwrite(text.data(), 1, text.size(), stderr);
  };
}

}  // namespace waybill
