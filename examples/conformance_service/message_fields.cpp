#include "conformance.hpp"

namespace conformance {
namespace {

Json text_or_null(const std::string* text) { return text ? Json(*text) : Json(); }

Json headers_of(waybill::Context& context, std::string_view hidden_prefix = {}) {
  Json headers = Json::object();
  for (const auto& [name, value] : context.headers()) {
    if (hidden_prefix.empty() || !name.starts_with(hidden_prefix)) headers[name] = value;
  }
  return headers;
}

}  // namespace

void add_message_fields(Json& object, const std::string& scheme, waybill::Context& context) {
  const bool names_pattern = scheme == "tcp" || scheme == "tcps" || scheme == "amqp" || scheme == "amqps";
  object["pattern"] = names_pattern ? context.pattern() : context.channel();
  if (scheme.starts_with("kafka")) {
    object["headers"] = headers_of(context, "kafka_");
    object["recordKey"] = text_or_null(context.properties().find("key"));
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
