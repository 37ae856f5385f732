// Decoding of a JSON payload: Serializer::decode.
#pragma once

#include "waybill/format/serializer.hpp"

namespace waybill::json {

Result<void> decode(const Slice& payload, const Serializer& serializer, ValueOut out);
/// As Serializer::lend.
Result<Payload> lend(const Slice& payload, const Serializer& serializer);

}  // namespace waybill::json
