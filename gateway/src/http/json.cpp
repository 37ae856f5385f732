#include "http/json.hpp"

#include "waybill/format/recorded_value.hpp"
#include "waybill/http/server.hpp"
#include "waybill/serializers/json.hpp"

#include <memory>

namespace waybill::http {

const Serializer& json_serializer() {
  static const std::unique_ptr<Serializer> serializer = json::make_json_serializer();
  return *serializer;
}

std::string as_json(const Payload& payload) {
  if (payload.empty()) return "null";
  if (payload.serializer()->is_json()) return std::string(payload.bytes().view());
  const auto value = payload.decode<format::RecordedValue>();
  Buffer text;
  json_serializer().encode(ValueRef::of(value), text).value();
  return std::string(text.view());
}

std::string detail::encode_json(ValueRef value) {
  Buffer text;
  json_serializer().encode(value, text).value();
  return std::string(text.view());
}

}  // namespace waybill::http
