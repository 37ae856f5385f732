// The serializer "json": what NestJS speaks. Read by simdjson, written byte for byte as JSON.stringify writes.
#pragma once

#include <memory>

#include "waybill/serializer.hpp"

namespace waybill::json {

/// Payloads and packets as JSON text. Never fails.
std::unique_ptr<Serializer> make_json_serializer();

}  // namespace waybill::json
