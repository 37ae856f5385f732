// What the options say of each stream, whichever side it is on.
#pragma once

#include "waybill/transports/socket/stream.hpp"
#include "waybill/transports/tcp.hpp"

namespace waybill::tcp {

socket::StreamLimits limits_of(const Options& options);
/// Of the timer that looks after all their deadlines.
std::chrono::milliseconds tick_interval(const Options& options);

}  // namespace waybill::tcp
