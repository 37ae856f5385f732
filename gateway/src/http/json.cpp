#include "http/json.hpp"

#include "waybill/format/coding.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/recorded_value.hpp"
#include "waybill/http/server.hpp"
#include "waybill/serializers/json.hpp"

#include <memory>

namespace waybill::http {

const Serializer& json_serializer() {
  static const std::unique_ptr<Serializer> serializer = json::make_json_serializer();
  return *serializer;
}

/// Less than serializers read: a service may put what it was sent into something more.
constexpr int k_max_depth = 100;

bool is_nested_too_deep(std::string_view json) noexcept {
  int depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') is_text = !is_text;
    if (is_text) {
      if (c == '\\') ++i;
    } else if (c == '[' || c == '{') {
      if (++depth > k_max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

bool is_json_number(std::string_view text) noexcept {
  std::string_view digits;
  return format::JsonReader(text).read_number_text(digits) && digits.size() == text.size();
}

std::string as_json(const Payload& payload) {
  if (payload.empty()) return "null";
  if (payload.serializer()->is_json()) return std::string(payload.bytes().view());
  const auto value = payload.decode<format::RecordedValue>();
  return detail::encode_json(ValueRef::of(value));
}

std::string detail::encode_json(ValueRef value) {
  Buffer text;
  json_serializer().encode(value, text).value();
  return std::string(text.view());
}

}  // namespace waybill::http
