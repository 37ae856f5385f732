// Any bytes as a payload of msgpack.
#include "payload_fuzz.hpp"
#include "waybill/serializers/msgpack.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto serializer = waybill::msgpack::make_msgpack_serializer();
  return fuzz_payload(*serializer, data, size);
}
