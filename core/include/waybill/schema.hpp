// What payloads of a type look like, as a JSON Schema (2020-12), made from the type's description when somebody asks.
#pragma once

#include "waybill/fields.hpp"
#include "waybill/format/json_value.hpp"

#include <string>

namespace waybill {

/// A schema of its own, with `$defs` for objects and enums. It says what waybill writes as JSON and reads back; what it reads
/// besides (dates without a time, the numbers of enums) is not in it.
std::string json_schema(const TypeInfo& type);
template <class T>
std::string json_schema() {
  return json_schema(type_of<T>());
}

namespace format {

/// The same as a tree.
JsonValue schema_of(const TypeInfo& type);

}  // namespace format
}  // namespace waybill
