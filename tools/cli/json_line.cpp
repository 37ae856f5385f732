#include "json_line.hpp"

#include "table.hpp"
#include <waybill/fields.hpp>
#include <waybill/format/recorded_value.hpp>
#include <waybill/registry.hpp>

#include <map>

namespace waybill::cli {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Valid JSON without the white space between its tokens.
std::string compact(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  bool is_inside_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_inside_text && c == '\\') {
      text.append(json.substr(i++, 2));
      continue;
    }
    if (c == '"') is_inside_text = !is_inside_text;
    if (is_inside_text || !is_space(c)) text.push_back(c);
  }
  return text;
}

Result<Payload> convert(const Payload& payload, const Serializer& target) {
  format::RecordedValue value;
  if (Result<void> decoded = payload.decode_into(ValueOut::of(value)); !decoded) return decoded.error();
  Buffer buffer;
  if (Result<void> encoded = target.encode(ValueRef::of(value), buffer); !encoded) return encoded.error();
  return Payload(buffer.take(), target);
}

}  // namespace

const Serializer& json_serializer() {
  static const std::shared_ptr<const Registry> registry = default_registry();
  const Serializer* json = registry->find_serializer("json");
  if (!json)
    throw Error(errc::unsupported, "the command line needs the json serializer, which was not built", End::rejected);
  return *json;
}

std::string json_quoted(std::string_view text) {
  Buffer buffer;
  if (json_serializer().encode(ValueRef::of(text), buffer)) return harmless_json(buffer.view());
  std::string plain;  // not UTF-8: rather less of the text than no JSON
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80)
      plain.push_back(c);
    else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80)
      plain.append("\xEF\xBF\xBD");
  }
  buffer.clear();
  json_serializer().encode(ValueRef::of(plain), buffer).value();
  return harmless_json(buffer.view());
}

Result<std::string> json_line(const Payload& payload) {
  if (payload.empty()) return std::string("null");
  if (payload.serializer()->is_json()) {
    Payload checked;  // brokers and dead letters hold what anybody put there
    if (Result<void> valid = payload.decode_into(ValueOut::of(checked)); !valid) return valid.error();
    std::string line(payload.bytes().view());
    // Inside a JSON text a line break can only be white space.
    std::erase_if(line, [](char c) { return c == '\n' || c == '\r'; });
    return harmless_json(line);
  }
  Result<Payload> converted = convert(payload, json_serializer());
  if (!converted) return converted.error();
  return harmless_json(converted->bytes().view());
}

std::string json_shown(const Payload& payload) {
  const Result<std::string> line = json_line(payload);
  return line ? *line : json_quoted(payload.bytes_as_they_came().view());
}

Result<Payload> payload_from_json(std::string_view json, const Serializer& target) {
  Payload checked;
  const Payload given(Slice::copy(json), json_serializer());
  if (Result<void> valid = given.decode_into(ValueOut::of(checked)); !valid) return valid.error();
  if (!target.is_json()) return convert(given, target);
  return Payload(Slice::copy(compact(json)), target);
}

Result<JsonHeaders> headers_from_json(std::string_view json) {
  std::map<std::string, Payload> members;
  format::RecordedValue whole;  // knows the order
  const Payload given(Slice::copy(json), json_serializer());
  if (Result<void> decoded = given.decode_into(ValueOut::of(members)); !decoded) return decoded.error();
  if (Result<void> decoded = given.decode_into(ValueOut::of(whole)); !decoded) return decoded.error();
  JsonHeaders headers;
  int depth = 0;
  for (const format::RecordedValue::Step& step : whole.steps()) {
    if (std::holds_alternative<format::RecordedValue::Begin>(step)) ++depth;
    if (std::holds_alternative<format::RecordedValue::End>(step)) --depth;
    const auto* const key = std::get_if<format::RecordedValue::Key>(&step);
    if (!key || depth != 1) continue;
    const Payload& value = members.at(key->name);
    std::string text(value.bytes().view());
    const bool is_text = text.starts_with('"');
    if (is_text) text = value.decode<std::string>();
    headers.are_texts = headers.are_texts && is_text;
    headers.texts.set(key->name, text);
  }
  return headers;
}

}  // namespace waybill::cli
