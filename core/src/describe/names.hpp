// Names in documents: of definitions, channels, methods.
#pragma once

#include "waybill/pattern.hpp"

#include <string>
#include <string_view>

namespace waybill::format {

/// Letters, digits, `_`, `-` and `.`, as all documents take them for names; never empty.
std::string definition_name(std::string_view name);

/// Of a HandlerDescription; a text that is none of waybill's own form is taken for one of a broker's. Throws Error(invalid_config).
Pattern read_pattern(const std::string& json);

/// `name`, or with the first number from 2 on that is not taken.
template <class IsTaken>
std::string free_name(std::string name, IsTaken is_taken) {
  if (!is_taken(name)) return name;
  for (std::size_t i = 2;; ++i) {
    std::string other = name + std::to_string(i);
    if (!is_taken(other)) return other;
  }
}

}  // namespace waybill::format
