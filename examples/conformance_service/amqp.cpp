// What only AMQP has: acknowledgements by hand, and wildcards that the broker matches.
#include "conformance.hpp"

namespace conformance {
namespace {

/// All but the handlers that are about acknowledging.
asio::awaitable<waybill::Result<void>> acknowledge_first(waybill::Context& context, waybill::Next next) {
  if (!context.pattern().starts_with("ack.")) context.ack();
  return next();
}

void add_acknowledgements(Handlers& handlers, State& state) {
  waybill::Service& service = handlers.service();
  waybill::Middleware acknowledge;
  acknowledge.name = "acknowledge";
  acknowledge.run = &acknowledge_first;
  service.use(std::move(acknowledge));
  service.on_request("ack.manual", [](waybill::Context& context) {
    context.ack();
    return "acked";
  });
  service.on_request("ack.leave", [](waybill::Context& context) {
    context.leave();
    return "not acked";
  });
  service.on_event("ack.retry", [&state](const Json& data, waybill::Context& context) {
    const double times = (state.memory.counters[member<std::string>(data, "name", "")] += 1);
    if (times < 3)
      context.retry();
    else
      context.ack();
  });
  service.on_event("ack.reject", [&state](const Json& data, waybill::Context& context) {
    state.add(member<std::string>(data, "name", ""), 1);
    context.reject();
  });
}

void add_wildcards(Handlers& handlers, State& state) {
  waybill::Service& service = handlers.service();
  for (const char* binding : {"wild.*.one", "all.#"}) {
    service.on_request(waybill::native(binding), [binding](waybill::Context& context) {
      return Json{{"handler", binding}, {"pattern", std::string(context.pattern())}};
    });
  }
  const auto sorted = waybill::Pattern::from_json(R"({"a":1,"cmd":"sorted"})");
  service.on_request(sorted, [](waybill::Context& context) {
    return Json{{"handler", "object"}, {"pattern", std::string(context.pattern())}};
  });
  service.on_event("wev.*", [&state](const Json& data) { state.add(member<std::string>(data, "name", ""), 1); });
}

}  // namespace

bool is_amqp(const waybill::Url& url) { return url.scheme == "amqp" || url.scheme == "amqps"; }

AmqpMode adapt_amqp(waybill::Url& url) {
  AmqpMode mode;
  const std::string* const no_ack = url.option("noAck");
  const std::string* const wildcards = url.option("wildcards");
  mode.acknowledges = (no_ack && *no_ack == "false") || url.option("delivery") != nullptr;
  mode.has_wildcards = wildcards && *wildcards == "true";
  if (!no_ack && !url.option("delivery")) url.options.emplace_back("delivery", "at_most_once");
  return mode;
}

void add_amqp(Handlers& handlers, State& state, const AmqpMode& mode) {
  if (mode.acknowledges) add_acknowledgements(handlers, state);
  if (mode.has_wildcards) add_wildcards(handlers, state);
}

}  // namespace conformance
