#include "waybill/format/schema_pool.hpp"

#include "describe/names.hpp"

#include <set>

namespace waybill::format {

namespace {

constexpr std::string_view k_local = "#/$defs/";

/// The definition that a schema refers to; empty: none.
std::string target_of(const JsonValue& schema) {
  const JsonValue* reference = schema.find("$ref");
  if (!reference || !reference->is_text() || !reference->content().starts_with(k_local)) return {};
  return reference->content().substr(k_local.size());
}

/// Calls `use` for the value and all that is in it.
template <class Value, class Use>
void visit(Value& value, const Use& use) {
  use(value);
  for (auto& item : value.items()) visit(item, use);
  for (auto& member : value.members()) visit(member.value, use);
}

void add_targets(const JsonValue& schema, const JsonValue& definitions, std::set<std::string>& names) {
  visit(schema, [&](const JsonValue& value) {
    const std::string name = target_of(value);
    const JsonValue* definition = name.empty() ? nullptr : definitions.find(name);
    if (definition && names.insert(name).second) add_targets(*definition, definitions, names);
  });
}

/// A definition with all that it refers to, as a text.
std::string origin_of(const std::string& name, const JsonValue& definitions) {
  std::set<std::string> names{name};
  add_targets(*definitions.find(name), definitions, names);
  JsonValue all = JsonValue::object({{"of", name}});
  for (const std::string& one : names) all.set(one, *definitions.find(one));
  return all.to_text();
}

}  // namespace

JsonValue SchemaPool::add(const JsonValue& schema) {
  const JsonValue* defined = schema.find("$defs");
  const JsonValue definitions = defined ? *defined : JsonValue::object();
  std::map<std::string, std::string> names;
  std::map<std::string, const JsonValue*> added;
  for (const auto& [name, definition] : definitions.members()) {
    const std::string origin = origin_of(name, definitions);
    const std::string chosen = free_name(definition_name(name), [&](const std::string& one) {
      const auto known = origins_.find(one);
      return known != origins_.end() && known->second != origin;
    });
    names[name] = chosen;
    if (origins_.emplace(chosen, origin).second) {
      definitions_.set(chosen, JsonValue());
      added[chosen] = &definition;
    }
  }
  const auto moved = [&](JsonValue value) {
    visit(value, [&](JsonValue& one) {
      const std::string target = target_of(one);
      if (const auto found = names.find(target); found != names.end()) one.set("$ref", place_ + found->second);
    });
    return value;
  };
  for (const auto& [name, definition] : added) definitions_.set(name, moved(*definition));
  JsonValue own = schema;
  own.take("$schema");
  own.take("$defs");
  return moved(std::move(own));
}

JsonValue as_draft_7(JsonValue schema) {
  visit(schema, [](JsonValue& value) {
    auto items = value.take("prefixItems");
    if (!items) return;
    const auto others = value.take("items");
    value.set("items", *std::move(items));
    if (others) value.set("additionalItems", *others);
  });
  return schema;
}

}  // namespace waybill::format
