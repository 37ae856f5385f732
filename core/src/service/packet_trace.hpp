// The trace of a message that has come.
#pragma once

#include "waybill/trace.hpp"
#include "waybill/transport/packet.hpp"

namespace waybill::detail {

/// Of its headers; where these have none, of its metadata: NestJS's clients put it there, whatever the carrier.
TraceContext trace_of(const Packet& packet);

}  // namespace waybill::detail
