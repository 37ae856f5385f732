// JSON at the edge: the serializer, and payloads of other formats as JSON.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/payload.hpp"

#include <string>
#include <string_view>

namespace waybill::http {

const Serializer& json_serializer();
/// More than serializers read. REQUIRES: one value of JSON.
bool is_nested_too_deep(std::string_view json) noexcept;
/// A number as JSON has it, and nothing else.
bool is_json_number(std::string_view text) noexcept;
/// Byte for byte where it is JSON already. Throws Error(payload_malformed, payload_mismatch).
std::string as_json(const Payload& payload);

}  // namespace waybill::http
