#include "waybill/variables.hpp"

#include "config/url_text.hpp"
#include "config/values.hpp"
#include "waybill/error.hpp"

#include <unistd.h>

namespace waybill {

Variables Variables::of_process() {
  Variables variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.set(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return variables;
}

const std::string* Variables::find(std::string_view name) const noexcept {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string Variables::text(std::string_view name, std::string_view otherwise) const {
  const std::string* value = find(name);
  return value && !value->empty() ? *value : std::string(otherwise);
}

std::uint64_t Variables::number(std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                                std::uint64_t most) const {
  const std::string* value = find(name);
  if (!value || value->empty()) return otherwise;
  if (const auto number = detail::parse_whole(*value, least, most)) return *number;
  const std::string shown = detail::is_secret_name(name) ? std::string(detail::k_hidden) : value->substr(0, 100);
  throw Error(errc::invalid_config,
              "the variable " + std::string(name.substr(0, 100)) + ": expected " + detail::a_whole_number(least, most) +
                  ", found \"" + shown + '"',
              End::rejected);
}

}  // namespace waybill
