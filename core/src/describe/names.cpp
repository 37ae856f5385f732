#include "describe/names.hpp"

#include "waybill/error.hpp"
#include "waybill/format/json_value.hpp"

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

Pattern read_pattern(const std::string& json) {
  try {
    return Pattern::from_json(json);
  } catch (const Error&) {
    const auto value = JsonValue::parse(json);
    if (!value || !value->is_text()) throw;
    return native(value->content());
  }
}

}  // namespace waybill::format
