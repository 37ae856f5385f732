// Globs, as Redis has them.
#include "conformance.hpp"

namespace conformance {

void add_globs(Handlers& handlers, State& state, const waybill::Url& url) {
  const std::string* wildcards = url.option("wildcards");
  if (!url.scheme.starts_with("redis") || !wildcards || *wildcards != "true") return;
  for (const char* glob : {"wild.*.one", "all.*"}) {
    handlers.service().on_request(waybill::native(glob), [glob](waybill::Context& context) {
      return Json{{"handler", glob}, {"pattern", context.pattern()}};
    });
  }
  handlers.service().on_event(waybill::native("wev.*"),
                              [&state](const Json& data) { state.add(member<std::string>(data, "name", ""), 1); });
}

}  // namespace conformance
