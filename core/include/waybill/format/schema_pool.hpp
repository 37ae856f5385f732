// SchemaPool: the definitions of many schemas in one place of a document.
#pragma once

#include "waybill/format/json_value.hpp"

#include <map>
#include <string>
#include <string_view>

namespace waybill::format {

/// Takes whole schemas, and gives what refers to the definitions here. Equal definitions of one name become one; of different
/// ones the later get a number.
class SchemaPool {
 public:
  /// `place`: where the definitions will be: "#/components/schemas/".
  explicit SchemaPool(std::string place) : place_(std::move(place)) {}

  JsonValue add(const JsonValue& schema);
  /// So that no schema gets that name.
  void reserve(std::string_view name) { origins_[std::string(name)]; }
  /// By name, in their order.
  const JsonValue& definitions() const noexcept { return definitions_; }

 private:
  std::string place_;
  JsonValue definitions_ = JsonValue::object();
  std::map<std::string, std::string> origins_;  // what a definition was before, with all that it refers to
};

/// Tuples as JSON Schema had them before 2020: AsyncAPI 3.0 builds on draft 7, which is the same in all else that is used.
JsonValue as_draft_7(JsonValue schema);

}  // namespace waybill::format
