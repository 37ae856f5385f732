// Patterns and ids that are no texts travel as values of the format, and as JSON text inside waybill.
#pragma once

#include "msgpack_writer.hpp"
#include "waybill/transport/packet.hpp"

#include <string>
#include <string_view>

namespace waybill::msgpack {

/// Packs the value of a JSON text. False: it is no JSON; nothing has been packed then.
bool pack_json(std::string_view json, Buffer& out);

/// Appends the value at `value` as JSON text. False: JSON cannot hold it.
bool append_json(std::string_view value, std::string& out);

}  // namespace waybill::msgpack
