#include "waybill/schema.hpp"

#include "describe/names.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>

namespace waybill::format {

namespace {

template <class N>
JsonValue integer(const char* format = nullptr) {
  JsonValue schema = JsonValue::object({{"type", "integer"}});
  if (format) schema.set("format", format);
  schema.set("minimum", std::numeric_limits<N>::min());
  return schema.set("maximum", std::numeric_limits<N>::max());
}

JsonValue of_bytes() {
  const JsonValue byte = JsonValue::object({{"type", "integer"}, {"minimum", 0}, {"maximum", 255}});
  return JsonValue::object(
      {{"type", "object"},
       {"properties", JsonValue::object({{"type", JsonValue::object({{"const", "Buffer"}})},
                                         {"data", JsonValue::object({{"type", "array"}, {"items", byte}})}})},
       {"required", JsonValue::list({"type", "data"})}});
}

/// What needs nothing but its kind.
JsonValue of_scalar(Kind kind) {
  switch (kind) {
    case Kind::null: return JsonValue::object({{"type", "null"}});
    case Kind::boolean: return JsonValue::object({{"type", "boolean"}});
    case Kind::int8: return integer<std::int8_t>();
    case Kind::int16: return integer<std::int16_t>();
    case Kind::int32: return integer<std::int32_t>("int32");
    case Kind::int64: return integer<std::int64_t>("int64");
    case Kind::uint8: return integer<std::uint8_t>();
    case Kind::uint16: return integer<std::uint16_t>();
    case Kind::uint32: return integer<std::uint32_t>();
    case Kind::uint64: return integer<std::uint64_t>();
    case Kind::float32:
      return JsonValue::object({{"type", "number"},
                                {"format", "float"},
                                {"minimum", JsonValue::literal("-3.4028235e+38")},
                                {"maximum", JsonValue::literal("3.4028235e+38")}});
    case Kind::float64: return JsonValue::object({{"type", "number"}, {"format", "double"}});
    case Kind::text:
    case Kind::text_view:
    case Kind::text_array: return JsonValue::object({{"type", "string"}});
    case Kind::text_pointer: return JsonValue::object({{"type", JsonValue::list({"string", "null"})}});
    case Kind::time: return JsonValue::object({{"type", "string"}, {"format", "date-time"}});
    case Kind::bytes: return of_bytes();
    default: return JsonValue::object();  // anything
  }
}

JsonValue or_null(JsonValue schema) {
  JsonValue null = JsonValue::object({{"type", "null"}});
  if (schema == null || schema.members().empty()) return schema;
  if (JsonValue* const alternatives = schema.find("anyOf") ? &schema["anyOf"] : nullptr) {
    const std::vector<JsonValue>& known = alternatives->items();
    if (std::find(known.begin(), known.end(), null) == known.end()) alternatives->add(std::move(null));
    return schema;
  }
  const JsonValue* type = schema.find("type");
  if (!type || schema.find("enum")) return JsonValue::object({{"anyOf", JsonValue::list({schema, null})}});
  if (type->is_text()) schema.set("type", JsonValue::list({*type, "null"}));
  return schema;
}

class Builder {
 public:
  JsonValue of(const TypeInfo& type) {
    if (const auto known = names_.find(&type); known != names_.end()) return reference(known->second);
    if (type.kind == Kind::object || type.kind == Kind::enumeration) return define(type);
    if (type.kind < Kind::bytes || type.kind == Kind::time) return of_scalar(type.kind);
    if (const auto open = open_.find(&type); open != open_.end()) {  // a list of itself
      if (open->second.empty()) open->second = definitions_.unique(type.name);
      return reference(open->second);
    }
    open_[&type];
    JsonValue schema = of_compound(type);
    const std::string name = open_[&type];
    open_.erase(&type);
    if (name.empty()) return schema;
    names_[&type] = name;
    definitions_.add(name, std::move(schema));
    return reference(name);
  }
  JsonValue whole(const TypeInfo& type) {
    JsonValue root = of(type);
    JsonValue schema = JsonValue::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"}});
    for (auto& [name, value] : root.members()) schema.set(name, std::move(value));
    if (JsonValue all = definitions_.all(); !all.members().empty()) schema.set("$defs", std::move(all));
    return schema;
  }

 private:
  /// Names first, so that a type may contain itself.
  class Definitions {
   public:
    std::string unique(std::string_view wanted) {
      std::string name = free_name(definition_name(wanted), [this](const std::string& one) { return all_.find(one); });
      all_.set(name, JsonValue::object());
      return name;
    }
    void add(const std::string& name, JsonValue schema) { all_.set(name, std::move(schema)); }
    JsonValue all() { return all_; }

   private:
    JsonValue all_ = JsonValue::object();
  };

  static JsonValue reference(const std::string& name) { return JsonValue::object({{"$ref", "#/$defs/" + name}}); }

  JsonValue define(const TypeInfo& type) {
    const std::string name = names_[&type] = definitions_.unique(type.name);
    definitions_.add(name, type.kind == Kind::object ? of_object(static_cast<const ObjectType&>(type))
                                                     : of_enum(static_cast<const EnumType&>(type)));
    return reference(name);
  }

  JsonValue of_object(const ObjectType& type) {
    JsonValue properties = JsonValue::object();
    JsonValue required = JsonValue::list();
    for (const Field& field : type.fields) {
      properties.set(field.name, of(field.type()));
      if (field.required) required.add(field.name);
    }
    JsonValue schema = JsonValue::object({{"type", "object"}, {"properties", std::move(properties)}});
    if (!required.items().empty()) schema.set("required", std::move(required));
    return schema;
  }

  static JsonValue of_enum(const EnumType& type) {
    JsonValue names = JsonValue::list();
    for (const EnumType::Entry& entry : type.entries) names.add(entry.name);
    if (names.items().empty()) return JsonValue::object({{"not", JsonValue::object()}});
    return JsonValue::object({{"type", "string"}, {"enum", std::move(names)}});
  }

  JsonValue of_list(const ListType& type) {
    JsonValue schema = JsonValue::object({{"type", "array"}, {"items", of(type.item_type())}});
    if (type.fixed_size == ListType::k_any_size) return schema;
    return schema.set("minItems", type.fixed_size).set("maxItems", type.fixed_size);
  }

  JsonValue of_tuple(const TupleType& type) {
    JsonValue items = JsonValue::list();
    for (const Field& item : type.items) items.add(of(item.type()));
    JsonValue schema = JsonValue::object({{"type", "array"}});
    if (type.items.empty()) return schema.set("maxItems", 0);
    return schema.set("prefixItems", std::move(items)).set("items", false).set("minItems", type.items.size());
  }

  JsonValue of_map(const MapType& type) {
    JsonValue schema = JsonValue::object({{"type", "object"}, {"additionalProperties", of(type.value_type())}});
    if (type.key_name == "a text") return schema;
    return schema.set("propertyNames", JsonValue::object({{"pattern", "^-?[0-9]+$"}}));
  }

  JsonValue of_variant(const VariantType& type) {
    JsonValue alternatives = JsonValue::list();
    for (const TypeAccess access : type.alternatives) alternatives.add(of(access()));
    return JsonValue::object({{"anyOf", std::move(alternatives)}});
  }

  JsonValue of_compound(const TypeInfo& type) {
    switch (type.kind) {
      case Kind::optional: return or_null(of(static_cast<const OptionalType&>(type).value_type()));
      case Kind::list: return of_list(static_cast<const ListType&>(type));
      case Kind::map: return of_map(static_cast<const MapType&>(type));
      case Kind::tuple: return of_tuple(static_cast<const TupleType&>(type));
      case Kind::variant: return of_variant(static_cast<const VariantType&>(type));
      default: return of_scalar(type.kind);
    }
  }

  std::map<const TypeInfo*, std::string> names_;
  std::map<const TypeInfo*, std::string> open_;  // under way; with a name once they were met within themselves
  Definitions definitions_;
};

}  // namespace

JsonValue schema_of(const TypeInfo& type) { return Builder().whole(type); }

}  // namespace waybill::format

namespace waybill {

std::string json_schema(const TypeInfo& type) { return format::schema_of(type).to_text(); }

}  // namespace waybill
