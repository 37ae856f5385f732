// What a template takes of a request, and what it makes of it: for descriptions.
#include "body_template.hpp"
#include "waybill/http/route_description.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

using format::JsonValue;

JsonValue& object_in(JsonValue& schema) {
  if (!schema.find("type")) schema.set("type", "object");
  return schema;
}

}  // namespace

JsonValue BodyTemplate::type_schema() const {
  JsonValue one = JsonValue::object();
  if (type_ != Type::json) {
    one.set("type", type_ == Type::text ? "string" : type_ == Type::number ? "number" : "boolean");
  }
  return is_list_ ? JsonValue::object({{"type", "array"}, {"items", one}}) : one;
}

void BodyTemplate::describe(RouteDescription& route) const {
  for (const Member& member : members_) member.value.describe(route);
  switch (source_) {
    case Source::path: return add_parameter("path", route);
    case Source::query: return add_parameter("query", route);
    case Source::header: return add_parameter("header", route);
    case Source::body: return add_body(route);
    default: return;
  }
}

void BodyTemplate::add_parameter(const char* in, RouteDescription& route) const {
  const auto known = std::find_if(route.parameters.begin(), route.parameters.end(),
                                  [&](const auto& one) { return one.in == in && one.name == text_; });
  const bool is_required = (!otherwise_ && !is_list_) || source_ == Source::path;
  if (known != route.parameters.end()) {
    known->is_required |= is_required;
    return;
  }
  JsonValue schema = type_schema();
  const auto otherwise = otherwise_ ? JsonValue::parse(*otherwise_) : std::nullopt;
  if (otherwise) schema.set("default", *otherwise);
  route.parameters.push_back({text_, in, is_required, std::move(schema), type_ == Type::json});
}

void BodyTemplate::add_body(RouteDescription& route) const {
  route.has_body = true;
  route.needs_body |= !otherwise_;
  JsonValue* at = &route.body;
  for (const std::string& step : steps_) {
    object_in(*at);
    if (!otherwise_) {
      JsonValue& required = (*at)["required"];
      const std::vector<JsonValue>& names = required.items();
      if (std::find(names.begin(), names.end(), JsonValue(step)) == names.end()) required.add(step);
    }
    JsonValue& properties = (*at)["properties"];
    if (!properties.find(step)) properties.set(step, JsonValue::object());
    at = &properties[step];
  }
}

JsonValue BodyTemplate::schema() const {
  switch (source_) {
    case Source::constant: {
      const auto value = JsonValue::parse(text_);
      return value ? JsonValue::object({{"const", *value}}) : JsonValue::object();
    }
    case Source::request_id: return JsonValue::object({{"type", "string"}});
    case Source::path:
    case Source::query:
    case Source::header: return type_schema();
    case Source::body: return JsonValue::object();
    case Source::list:
    case Source::map: break;
  }
  if (source_ == Source::list) {
    JsonValue items = JsonValue::list();
    for (const Member& member : members_) items.add(member.value.schema());
    JsonValue list = JsonValue::object({{"type", "array"}});
    if (members_.empty()) return list.set("maxItems", 0);
    return list.set("prefixItems", items).set("items", false).set("minItems", members_.size());
  }
  JsonValue properties = JsonValue::object();
  JsonValue required = JsonValue::list();
  for (const Member& member : members_) {
    properties.set(member.name, member.value.schema());
    if (!member.value.otherwise_ || !member.value.otherwise_->empty()) required.add(member.name);
  }
  JsonValue map = JsonValue::object({{"type", "object"}, {"properties", properties}});
  if (!required.items().empty()) map.set("required", required);
  return map;
}

}  // namespace waybill::http
