// A librdkafka message as the wire's record; borrowed.
#pragma once

#include "protocol/handle.hpp"
#include "wire/wire.hpp"

namespace waybill::kafka {

/// The bytes of one header, the last of that name; nothing if there is none or if it is null.
Bytes header_of(const rd_kafka_message_t& message, const char* name) noexcept;

IncomingRecord view_of(const rd_kafka_message_t& message);

}  // namespace waybill::kafka
