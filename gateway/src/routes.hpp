// Routes without code: what they do with a request.
#pragma once

#include "waybill/application.hpp"

namespace waybill {

/// `client` and `serializer`: of that route; both outlive the handler.
http::Handler make_route_handler(const RouteConfig& route, std::function<Client&()> client,
                                 const Serializer& serializer);

}  // namespace waybill
