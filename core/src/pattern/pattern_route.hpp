// The route of a JSON text: what NestJS makes of a pattern before it looks for a handler.
#pragma once

#include <string>
#include <string_view>

namespace waybill::detail {

/// What a JSON text is at its top level, for one that is to become a route.
enum class RouteKind {
  not_json,  ///< No JSON text at all.
  text,      ///< A text: the route is its content.
  other,     ///< A number, an object or an array: the route is its normalized text.
  none,      ///< true, false or null, which have no route.
};

/// Normalizes a JSON text of any depth and any number of keys, in linear time: depth and keys are capped as NestJS caps
/// them. `route` is set for text and other, and empty otherwise.
RouteKind route_of_json(std::string_view json, std::string& route);

}  // namespace waybill::detail
