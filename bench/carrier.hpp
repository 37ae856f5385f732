// Where a bench program finds its service: the one place that knows how a transport's URL is made of a port, a broker
// and a name space.
#pragma once

#include "harness.hpp"

#include <string>

namespace bench {

struct Carrier {
  std::string url;
  std::string echo;   ///< The pattern of requests.
  std::string event;  ///< The pattern of events.
};

/// From the mode, --transport, --port, --broker, --ns, --handler and --ack. --ack 1: what waybill promises by default,
/// each message acknowledged by its receiver and by the broker; 0: as little as the broker allows, as clients written
/// by hand often do (AMQP: neither; Kafka: acks=1, not idempotent). Throws std::runtime_error for an unknown transport.
Carrier carrier_of(const Arguments& arguments);

}  // namespace bench
