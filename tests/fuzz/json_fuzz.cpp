// Any bytes as a payload of json.
#include "payload_fuzz.hpp"
#include "waybill/serializers/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto serializer = waybill::json::make_json_serializer();
  return fuzz_payload(*serializer, data, size);
}
