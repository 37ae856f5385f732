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

constexpr Setting k_settings[] = {{"threads", "WAYBILL_THREADS", set_threads},
                                  {"handler_threads", "WAYBILL_HANDLER_THREADS", set_handler_threads},
                                  {"drain_timeout", "WAYBILL_DRAIN_TIMEOUT", set_drain_timeout},
                                  {"log", "WAYBILL_LOG", set_log}};

}  // namespace

std::span<const Setting> settings() noexcept { return k_settings; }

}  // namespace waybill::detail
