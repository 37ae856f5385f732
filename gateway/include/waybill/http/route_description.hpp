// What a route takes and gives, for descriptions (OpenAPI).
#pragma once

#include "waybill/format/json_value.hpp"
#include "waybill/format/model.hpp"

#include <string>
#include <vector>

namespace waybill::http {

/// What comes back where all goes well.
enum class Gives {
  anything,  ///< Not known.
  nothing,   ///< 204
  value,     ///< One in JSON; a text as text/plain.
  event,     ///< 202 with the message's id.
  stream,    ///< Values, as server-sent events or lines of JSON.
};

/// As the types of a handler tell, or the program says (Server::takes and so on).
struct RouteTypes {
  TypeAccess argument = nullptr;  ///< A struct's members are parameters, anything else is the body. Null: not known.
  TypeAccess reply = nullptr;     ///< Of a value, or of each in a stream. Null: not known.
  Gives gives = Gives::anything;
  bool is_passed_on = false;  ///< To a service, whose troubles are answers of the route, too.
};

/// The same in the terms of HTTP. Schemas are whole ones (waybill/schema.hpp).
struct RouteDescription {
  struct Parameter {
    std::string name;
    std::string in;  ///< "path", "query", "header"
    bool is_required = true;
    format::JsonValue schema = format::JsonValue::object();
    bool is_json = false;  ///< Its text is JSON.
  };
  std::vector<Parameter> parameters;
  bool has_body = false;
  bool needs_body = false;
  format::JsonValue body = format::JsonValue::object();
  Gives gives = Gives::anything;
  format::JsonValue reply = format::JsonValue::object();
  bool is_passed_on = false;
};

}  // namespace waybill::http
