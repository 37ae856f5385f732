#include "json_writer.hpp"

namespace waybill::json {

// As JSON.stringify writes a Node Buffer.
bool Writer::bytes(std::string_view value) {
  out_.append("{\"type\":\"Buffer\",\"data\":[");
  for (std::size_t i = 0; i < value.size(); ++i) {
    item(i == 0);
    integer(static_cast<unsigned char>(value[i]));
  }
  out_.append("]}");
  return true;
}

bool Writer::raw(const Payload& payload) {
  const Serializer& made_by = *payload.serializer();
  if (&made_by != &serializer_ && made_by.name() != serializer_.name()) {
    return failure_.set(errc::payload_mismatch, "a payload made by the serializer " + std::string(made_by.name()) +
                                                    " cannot be put into one of " + std::string(serializer_.name()));
  }
  if (const Result<void> seen = payload.check(); !seen) {
    return failure_.set(errc::payload_malformed, std::string(seen.error().message()));
  }
  out_.append(payload.bytes_as_they_came().view());
  return true;
}

}  // namespace waybill::json
