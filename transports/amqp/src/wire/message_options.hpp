// The properties of a message that callers set by name, and that handlers see by name. Pure.
#pragma once

#include "protocol/properties.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/packet.hpp"

namespace waybill::amqp {

/// Reads `names` into `properties`; views point into `names`. `mandatory` is changed if it is among them.
/// Errors: invalid_config, that names the property and what it may be.
Result<void> read_message_options(const Headers& names, Properties& properties, bool& mandatory);

/// The other way round, without what travels elsewhere: headers, correlation id, reply address.
void write_message_options(const Properties& properties, Headers& names);

}  // namespace waybill::amqp
