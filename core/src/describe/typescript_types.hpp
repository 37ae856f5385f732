// From JSON Schemas to types of TypeScript.
#pragma once

#include "waybill/format/json_value.hpp"

#include <set>
#include <string>
#include <string_view>

namespace waybill::format {

/// Letters, digits and `_`, not beginning with a digit, and none of the words that mean something already.
std::string type_name(std::string_view name);
/// `"order.created"`: OrderCreated.
std::string pascal_case(std::string_view text);

/// The type of a schema; definitions are referred to by their names.
std::string type_text(const JsonValue& schema, const std::string& indent = {});
/// `export interface Order { ... }`, or `export type Color = ...;`
std::string declaration_of(const std::string& name, const JsonValue& schema);

}  // namespace waybill::format
