// OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) of the routes of a server.
#pragma once

#include "http/router.hpp"

#include <string>
#include <string_view>

namespace waybill::http {

std::string open_api(const Router& router, std::string_view title, std::string_view version);

/// What the types of a handler amount to.
RouteDescription describe_types(const Route& route);

}  // namespace waybill::http
