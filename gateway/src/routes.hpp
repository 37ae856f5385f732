// Routes without code: what they do with a request.
#pragma once

#include "waybill/application.hpp"

namespace waybill {

/// The client of a route.
struct RouteClient {
  std::function<Client&()> get;       ///< It outlives the handler.
  std::chrono::milliseconds timeout;  ///< Its own: of what the route says nothing of.
  const Serializer& serializer;       ///< The same.
};
http::Handler make_route_handler(const RouteConfig& route, RouteClient client);

}  // namespace waybill
