#include "waybill/detail/mistakes.hpp"

namespace waybill::detail {

void append_mistakes(const Error& error, std::string_view prefix, Mistakes& mistakes) {
  std::string_view lines = error.message();
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    mistakes.push_back(std::string(prefix) + std::string(lines.substr(0, end)));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
}

Result<void> outcome_of(const Mistakes& mistakes) {
  if (mistakes.empty()) return {};
  std::string message;
  for (const std::string& mistake : mistakes) {
    if (!message.empty()) message += '\n';
    message += mistake;
  }
  return Error(errc::invalid_config, std::move(message), End::rejected);
}

void throw_mistakes(const Mistakes& mistakes) { outcome_of(mistakes).value(); }

std::string_view option_in(std::string_view mistake) noexcept {
  constexpr std::string_view k_option = "option \"";
  const std::size_t at = mistake.find(k_option);
  if (at == std::string_view::npos || at > std::string_view("unknown ").size()) {
    return mistake.substr(0, mistake.find(':'));
  }
  mistake.remove_prefix(at + k_option.size());
  return mistake.substr(0, mistake.find('"'));
}

}  // namespace waybill::detail
