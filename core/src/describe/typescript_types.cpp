#include "describe/typescript_types.hpp"

#include "waybill/format/json_text.hpp"

#include <algorithm>
#include <array>

namespace waybill::format {

namespace {

constexpr std::array<std::string_view, 26> k_words{
    "Array",  "Boolean", "ClientProxy", "Number", "Object", "Observable", "Record",  "String", "any",
    "bigint", "boolean", "class",       "enum",   "false",  "never",      "null",    "number", "object",
    "string", "symbol",  "true",        "type",   "typeof", "undefined",  "unknown", "void",
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string property_name(const std::string& name) {
  const bool is_plain = !name.empty() && !is_digit(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_';
  });
  std::string quoted;
  if (!is_plain) append_quoted(name, quoted);
  return is_plain ? name : quoted;
}

std::string union_of(const std::vector<std::string>& types) {
  std::vector<std::string> different;
  for (const std::string& type : types) {
    if (std::find(different.begin(), different.end(), type) == different.end()) different.push_back(type);
  }
  std::string text;
  for (const std::string& type : different) text += (text.empty() ? "" : " | ") + type;
  return text.empty() ? "never" : text;
}

bool is_required(const JsonValue& schema, const std::string& name) {
  const JsonValue* required = schema.find("required");
  if (!required) return false;
  const std::vector<JsonValue>& names = required->items();
  return std::find(names.begin(), names.end(), JsonValue(name)) != names.end();
}

std::string members_text(const JsonValue& schema, const std::string& indent) {
  std::string text = "{\n";
  for (const auto& [name, property] : schema.find("properties")->members()) {
    text += indent + "  " + property_name(name) + (is_required(schema, name) ? ": " : "?: ") +
            type_text(property, indent + "  ") + ";\n";
  }
  return text + indent + '}';
}

std::string list_text(const JsonValue& schema, const std::string& indent) {
  if (const JsonValue* prefix = schema.find("prefixItems")) {
    std::string text;
    for (const JsonValue& item : prefix->items()) text += (text.empty() ? "" : ", ") + type_text(item, indent);
    return '[' + text + ']';
  }
  const JsonValue* items = schema.find("items");
  return items ? "Array<" + type_text(*items, indent) + '>' : "Array<unknown>";
}

std::string named_type(const JsonValue& schema, const std::string& type, const std::string& indent) {
  if (type == "string") return "string";
  if (type == "integer" || type == "number") return "number";
  if (type == "boolean") return "boolean";
  if (type == "null") return "null";
  if (type == "array") return list_text(schema, indent);
  if (type != "object") return "unknown";
  if (schema.find("properties")) return members_text(schema, indent);
  const JsonValue* values = schema.find("additionalProperties");
  return "Record<string, " + (values ? type_text(*values, indent) : "unknown") + '>';
}

}  // namespace

std::string type_name(std::string_view name) {
  std::string made;
  for (const char c : name) made += is_letter(c) || is_digit(c) ? c : '_';
  if (made.empty() || is_digit(made.front())) made.insert(made.begin(), '_');
  if (std::find(k_words.begin(), k_words.end(), made) != k_words.end()) made += "Type";
  return made;
}

std::string pascal_case(std::string_view text) {
  std::string made;
  bool is_start = true;
  for (const char c : text) {
    const bool is_part = is_letter(c) || is_digit(c);
    if (is_part) made += is_start ? upper(c) : c;
    is_start = !is_part;
  }
  return made;
}

std::string type_text(const JsonValue& schema, const std::string& indent) {
  if (schema.is("false")) return "never";
  if (const JsonValue* reference = schema.find("$ref")) {
    return type_name(reference->content().substr(reference->content().rfind('/') + 1));
  }
  std::vector<std::string> types;
  if (const JsonValue* value = schema.find("const")) return value->to_text();
  if (const JsonValue* values = schema.find("enum")) {
    for (const JsonValue& value : values->items()) types.push_back(value.to_text());
    return union_of(types);
  }
  if (const JsonValue* alternatives = schema.find("anyOf")) {
    for (const JsonValue& one : alternatives->items()) types.push_back(type_text(one, indent));
    return union_of(types);
  }
  const JsonValue* type = schema.find("type");
  if (!type) return schema.find("not") ? "never" : "unknown";
  if (!type->is_list()) return named_type(schema, type->content(), indent);
  for (const JsonValue& one : type->items()) types.push_back(named_type(schema, one.content(), indent));
  return union_of(types);
}

std::string declaration_of(const std::string& name, const JsonValue& schema) {
  const JsonValue* type = schema.find("type");
  if (type && type->content() == "object" && schema.find("properties")) {
    return "export interface " + name + ' ' + members_text(schema, "") + '\n';
  }
  return "export type " + name + " = " + type_text(schema) + ";\n";
}

}  // namespace waybill::format
