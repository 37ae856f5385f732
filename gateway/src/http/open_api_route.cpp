// From the types of a handler to parameters, body and reply. As parameters.cpp fills them.
#include "http/open_api.hpp"
#include "http/parameters.hpp"
#include "waybill/schema.hpp"

#include <algorithm>

namespace waybill::http {

namespace {

using format::JsonValue;

/// Whether the text of a parameter may be one.
bool is_plain(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::object:
    case Kind::map:
    case Kind::tuple:
    case Kind::list:
    case Kind::bytes: return false;
    default: return true;
  }
}

bool is_parameter(const TypeInfo& type) {
  if (type.kind == Kind::list) return is_plain(content_of(static_cast<const ListType&>(type).item_type()));
  return is_plain(type);
}

/// The body of what is left of the members: the type's own schema where all are.
JsonValue body_of(const ObjectType& type, const std::vector<const Field*>& fields) {
  if (fields.size() == type.fields.size()) return format::schema_of(type);
  JsonValue whole = format::schema_of(type);
  const std::string root = whole.find("$ref")->content().substr(8);
  JsonValue definition = *whole.find("$defs")->find(root);
  JsonValue properties = JsonValue::object();
  JsonValue required = JsonValue::list();
  for (const Field* field : fields) {
    properties.set(field->name, *definition.find("properties")->find(field->name));
    if (field->required) required.add(field->name);
  }
  JsonValue body = JsonValue::object({{"type", "object"}, {"properties", properties}});
  if (!required.items().empty()) body.set("required", required);
  bool is_recursive = false;  // the root's definition is needed where a member refers to it
  for (const Field* field : fields) {
    is_recursive |= format::schema_of(field->type()).to_text().find("#/$defs/" + root + '"') != std::string::npos;
  }
  JsonValue definitions = *whole.find("$defs");
  if (!is_recursive) definitions.take(root);
  if (!definitions.members().empty()) body.set("$defs", definitions);
  return body;
}

void describe_members(const Route& route, const ObjectType& type, RouteDescription& made) {
  std::vector<const Field*> in_body;
  for (const Field& field : type.fields) {
    const TypeInfo& content = content_of(field.type());
    const bool is_in_path = std::find(route.names.begin(), route.names.end(), field.name) != route.names.end();
    if (is_in_path || (is_parameter(content) && !takes_body(route.method))) {
      const bool is_required = is_in_path || (field.required && content.kind != Kind::list);
      made.parameters.push_back(
          {std::string(field.name), is_in_path ? "path" : "query", is_required, format::schema_of(content)});
    } else {
      in_body.push_back(&field);
      made.needs_body |= field.required;
    }
  }
  made.has_body = !in_body.empty();
  if (made.has_body) made.body = body_of(type, in_body);
}

}  // namespace

RouteDescription describe_types(const Route& route) {
  RouteDescription made;
  made.gives = route.types.gives;
  made.is_passed_on = route.types.is_passed_on;
  if (route.types.reply) made.reply = format::schema_of(route.types.reply());
  if (!route.types.argument) return made;
  const TypeInfo& argument = route.types.argument();
  if (argument.kind == Kind::object) {
    describe_members(route, static_cast<const ObjectType&>(argument), made);
  } else {
    made.has_body = made.needs_body = true;
    made.body = format::schema_of(argument);
  }
  return made;
}

}  // namespace waybill::http
