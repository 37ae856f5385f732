// Whether an application can do its work, as a value and over HTTP.
#include "application_core.hpp"
#include "waybill/format/json_text.hpp"

#include <chrono>

namespace waybill {

namespace {

std::string why_not(Status status) {
  switch (status) {
    case Status::idle: return "not connected yet";
    case Status::connecting: return "connecting";
    case Status::interrupted: return "the connection was lost";
    case Status::blocked: return "the broker takes nothing for now";
    case Status::closed: return "closed";
    case Status::ready: break;
  }
  return {};
}

/// Whoever asks once a second sees what was mended at once.
constexpr std::chrono::seconds k_trouble_is_seen_for{1};

Health::Part part_of(const ListenerState& listener) {
  Health::Part part{"listener " + (listener.name.empty() ? listener.url : listener.name), false, {}};
  part.why = listener.why.empty() ? why_not(listener.status) : listener.why;
  const auto since_trouble = std::chrono::steady_clock::now() - listener.troubled_at;
  if (part.why.empty() && listener.dead_letters_waiting > 0) {
    part.why = std::to_string(listener.dead_letters_waiting) + " messages cannot be put into the dead-letter channel";
  } else if (part.why.empty() && since_trouble < k_trouble_is_seen_for) {
    part.why = "its connection, its queue or its dead-letter channel was not ready a moment ago";
  }
  part.is_ready = part.why.empty();
  return part;
}

Health::Part part_of(const std::string& name, const ClientState& client) {
  Health::Part part{"client " + name, false, client.why.empty() ? why_not(client.status) : client.why};
  const auto since_trouble = std::chrono::steady_clock::now() - client.troubled_at;
  if (part.why.empty() && since_trouble < k_trouble_is_seen_for) part.why = "its connection was not ready a moment ago";
  part.is_ready = part.why.empty();
  return part;
}

void append_part(const Health::Part& part, std::string& json) {
  json += "{\"name\":";
  format::append_quoted(part.name, json);
  json += part.is_ready ? ",\"ready\":true" : ",\"ready\":false,\"why\":";
  if (!part.is_ready) format::append_quoted(part.why, json);
  json += '}';
}

std::string as_json(const Health& health) {
  std::string json = health.is_ready() ? "{\"ready\":true,\"parts\":[" : "{\"ready\":false,\"parts\":[";
  for (const Health::Part& part : health.parts) {
    append_part(part, json);
    json += ',';
  }
  if (!health.parts.empty()) json.pop_back();
  return json + "]}";
}

}  // namespace

Health Application::Core::health() const {
  Health health;
  if (service_) {
    for (const ListenerState& listener : service_->listeners()) health.parts.push_back(part_of(listener));
    const auto waits = service_->handler_pool_waits();
    if (config_.handler_threads > 0 && config_.health.stuck_after.count() > 0) {
      const bool is_stuck = waits > config_.health.stuck_after;
      health.parts.push_back({"handler pool", !is_stuck,
                              is_stuck ? "for " + std::to_string(waits.count()) + " ms no thread of it was free" : ""});
    }
  }
  const std::lock_guard lock(mutex_);
  for (const std::string& name : config_.health.required) {
    const auto client = clients_.find(name);
    health.parts.push_back(part_of(name, client == clients_.end() ? ClientState() : client->second->state()));
  }
  health.parts.push_back({"application", is_serving_, is_serving_ ? "" : is_stopped_ ? "stopping" : "starting"});
  return health;
}

void Application::Core::add_health_routes() {
  // Who supervises the program asks these, not those whom it serves: they are in no description.
  try {
    http_->get("/livez", [] { return "ok"; }).hidden();
    http_->get("/readyz", [this] {
      const Health now = health();
      return http::Response::json(as_json(now), now.is_ready() ? 200 : 503);
    });
    http_->hidden();
  } catch (const Error& error) {
    throw Error(errc::invalid_config, std::string(error.message()) + "; without it: health: { served: false }",
                End::rejected);
  }
}

}  // namespace waybill
