#include "conformance.hpp"

namespace conformance {
namespace {

Json text_or_null(const std::string* text) { return text ? Json(*text) : Json(); }

Json headers_of(waybill::Context& context) {
  Json headers = Json::object();
  for (const auto& [name, value] : context.headers()) headers[name] = value;
  return headers;
}

/// A key or a header of a Kafka record as NestJS's handlers see it: bytes, JSON or text, by how it begins.
Json record_part(const std::string& part) {
  if (part.starts_with('\0'))
    return {{"type", "Buffer"}, {"data", std::vector<std::uint8_t>(part.begin(), part.end())}};
  const bool may_be_json = part.starts_with('{') || part.starts_with('[');
  Json parsed = may_be_json ? Json::parse(part, nullptr, false) : Json(Json::value_t::discarded);
  return parsed.is_discarded() ? Json(part) : parsed;
}

Json record_headers_of(waybill::Context& context) {
  Json headers = Json::object();
  for (const auto& [name, value] : context.headers()) {
    if (!name.starts_with("kafka_")) headers[name] = record_part(value);
  }
  return headers;
}

}  // namespace

void add_message_fields(Json& object, const std::string& scheme, waybill::Context& context) {
  const bool names_pattern = scheme == "tcp" || scheme == "tcps" || scheme == "amqp" || scheme == "amqps";
  object["pattern"] = names_pattern ? context.pattern() : context.channel();
  if (scheme.starts_with("kafka")) {
    object["headers"] = record_headers_of(context);
    const std::string* key = context.properties().find("key");
    object["recordKey"] = key ? record_part(*key) : Json();
    const std::string* partition = context.properties().find("partition");
    object["partition"] = partition ? Json::parse(*partition) : Json();
  } else if (scheme == "amqp" || scheme == "amqps") {
    // Headers are texts; where one is not, the whole table is there with its types, too.
    const std::string* typed = context.properties().find("headers");
    object["headers"] = typed ? Json::parse(*typed) : headers_of(context);
    const std::string* priority = context.properties().find("priority");
    object["priority"] = priority ? Json::parse(*priority) : Json();
    const std::string* persistent = context.properties().find("persistent");
    object["persistent"] = persistent && *persistent == "true";
    object["contentType"] = text_or_null(context.properties().find("contentType"));
  } else {
    const waybill::Payload metadata = context.metadata();
    object["metadata"] = metadata.empty() ? Json() : metadata.decode<Json>();
  }
}

}  // namespace conformance
