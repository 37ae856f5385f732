#include "describe/names.hpp"

namespace waybill::format {

std::string definition_name(std::string_view name) {
  std::string made;
  for (const char c : name) {
    const bool is_fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    made += is_fine ? c : '_';
  }
  return made.empty() ? "value" : made;
}

}  // namespace waybill::format
