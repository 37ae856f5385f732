// Where a bench program finds its service: the one place that knows how a transport's URL is made of a port, a broker
// and a name space.
#pragma once

#include "harness.hpp"

#include <string>

namespace bench {

struct Carrier {
  std::string url;    ///< For listeners and clients alike.
  std::string echo;   ///< The pattern of requests.
  std::string event;  ///< The pattern of events.
};

/// From --transport, --port, --broker, --ns and --handler. Throws std::runtime_error for an unknown transport.
Carrier carrier_of(const Arguments& arguments);

}  // namespace bench
