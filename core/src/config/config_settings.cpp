// The settings of the whole service, once for files and variables alike.
#include "config/config_tree.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>

namespace waybill::detail {
namespace {

bool set_number(std::string_view text, unsigned least, unsigned most, unsigned& number) {
  const auto read = parse_whole(text, least, most);
  if (read) number = static_cast<unsigned>(*read);
  return read.has_value();
}

const char* set_threads(Config& config, std::string_view text) {
  return set_number(text, 1, 1024, config.threads) ? nullptr : "a whole number from 1 to 1024";
}

const char* set_handler_threads(Config& config, std::string_view text) {
  return set_number(text, 0, 1024, config.handler_threads) ? nullptr : "a whole number from 0 to 1024";
}

const char* set_drain_timeout(Config& config, std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return k_a_duration.data();
  config.drain_timeout = *duration;
  return nullptr;
}

const char* set_log(Config& config, std::string_view text) {
  constexpr std::array<std::string_view, 5> k_levels{"debug", "info", "warning", "error", "off"};
  if (std::find(k_levels.begin(), k_levels.end(), text) == k_levels.end()) return "debug, info, warning, error or off";
  config.log_level = text;
  return nullptr;
}

const char* set_log_format(Config& config, std::string_view text) {
  if (text != "text" && text != "json") return "text or json";
  config.log_format = text;
  return nullptr;
}

// Both go into tables, labels and documents, and are shown by tools.
bool is_plain(std::string_view text) {
  const auto is_visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), is_visible);
}
constexpr const char* k_plain = "1 to 64 visible ASCII characters without spaces";

const char* set_name(Config& config, std::string_view text) {
  if (!is_plain(text)) return k_plain;
  config.name = text;
  return nullptr;
}

const char* set_version(Config& config, std::string_view text) {
  if (!is_plain(text)) return k_plain;
  config.version = text;
  return nullptr;
}

const char* set_introspection(Config& config, std::string_view text) {
  const auto flag = parse_flag(text);
  if (!flag) return k_a_flag.data();
  config.introspection = *flag;
  return nullptr;
}

constexpr Setting k_settings[] = {{"name", "WAYBILL_NAME", set_name},
                                  {"version", "WAYBILL_VERSION", set_version},
                                  {"introspection", "WAYBILL_INTROSPECTION", set_introspection},
                                  {"threads", "WAYBILL_THREADS", set_threads},
                                  {"handler_threads", "WAYBILL_HANDLER_THREADS", set_handler_threads},
                                  {"drain_timeout", "WAYBILL_DRAIN_TIMEOUT", set_drain_timeout},
                                  {"log", "WAYBILL_LOG", set_log},
                                  {"log_format", "WAYBILL_LOG_FORMAT", set_log_format}};

}  // namespace

std::span<const Setting> settings() noexcept { return k_settings; }

}  // namespace waybill::detail
