#include "conformance.hpp"

#include <stdexcept>

namespace conformance {

std::string type_of(const Json& data, const waybill::Context& context, bool is_kafka) {
  if (is_kafka && data.is_null()) return "object";  // NestJS's handlers get the whole record then
  if (!context.has_payload()) return "none";
  if (context.properties().find("binary")) return "binary";
  if (data.is_null()) return "null";
  if (data.is_array()) return "array";
  if (data.is_string()) return "string";
  if (data.is_boolean()) return "boolean";
  return data.is_number() ? "number" : "object";
}

Json with_data(const Json& data, const waybill::Context& context) {
  return context.has_payload() ? Json{{"data", data}} : Json::object();
}

void add_events(Handlers& handlers, State& state) {
  handlers.event("event", [&state](const Json& data, waybill::Context& context) {
    const auto name = member<std::string>(data, "name", "");
    state.add(name, member<double>(data, "n", 1));
    Json last = with_data(data, context);
    add_message_fields(last, state.scheme, context);
    state.memory.last[name] = std::move(last);
    state.memory.log[name].push_back(data.is_object() && data.contains("seq") ? data.at("seq") : Json());
  });
  handlers.event("event.raw", [&state, is_kafka = handlers.is_kafka()](const Json& data, waybill::Context& context) {
    state.memory.last["raw"] = Json{{"data", data}, {"type", type_of(data, context, is_kafka)}};
  });
  handlers.event("event.value", [] { return "event-result"; });
  for (const double amount : {1., 10.}) {
    handlers.event("event.multi",
                   [&state, amount](const Json& data) { state.add(member<std::string>(data, "name", ""), amount); });
  }
  if (handlers.is_kafka()) return;  // a failed record would come again
  handlers.event("event.fails", [&state](const Json& data) {
    state.add(member<std::string>(data, "name", ""), 1);
    throw std::runtime_error("an event handler that fails");
  });
}

}  // namespace conformance
