// The serializer "json": what NestJS speaks. Read in one pass over the text, whose UTF-8 simdjson checks where it is long;
// written byte for byte as JSON.stringify writes.
#pragma once

#include "waybill/format/serializer.hpp"

#include <memory>

namespace waybill::json {

/// Payloads and packets as JSON text. Never fails.
std::unique_ptr<Serializer> make_json_serializer();

}  // namespace waybill::json
