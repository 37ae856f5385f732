#include "application_check.hpp"

#include "http/router.hpp"
#include "waybill/detail/same_address.hpp"
#include "waybill/error.hpp"
#include "waybill/transport/transport.hpp"

#include <algorithm>

namespace waybill {

namespace {

using detail::at_origin;

/// The routes that there will be, and whose they are.
class Paths {
 public:
  explicit Paths(detail::Mistakes& mistakes) : mistakes_(mistakes) {}

  /// `instead`: what to do where the path is taken.
  void add(const std::string& method, const std::string& path, const std::string& origin, const std::string& instead) {
    try {
      router_.add({method, path, {}, {}, {}});
    } catch (const Error& error) {
      mistakes_.push_back(at_origin(origin) + std::string(error.message()) + instead);
    }
  }

 private:
  http::Router router_;
  detail::Mistakes& mistakes_;
};

bool is_health_path(const RouteConfig& route) {
  return route.method == "GET" && (route.path == "/livez" || route.path == "/readyz");
}

/// Where HTTP listens nobody else may.
void check_address(const ApplicationConfig& config, const Registry& registry, detail::Mistakes& mistakes) {
  for (const ListenerConfig& listener : config.listeners) {
    if (!detail::is_same_address(config.http->hosts, listener.url.hosts)) continue;
    const auto made = registry.make_transport(listener.url);
    if (!made || !(*made)->capabilities().sole_listener) continue;  // it is where a broker listens
    mistakes.push_back(at_origin(config.http->origin) + "http: a listener " + detail::same_address_as(listener));
  }
}

}  // namespace

void check_parts(const ApplicationConfig& config, const Registry& registry, detail::Mistakes& mistakes) {
  if (config.threads > 1) {
    mistakes.push_back(
        "threads: " + std::to_string(config.threads) +
        " is for services alone: an application runs one loop; set handler_threads, or run it more than once");
  }
  if (config.metrics && !config.http) {
    mistakes.push_back(at_origin(config.metrics->origin) +
                       "metrics: the application serves no HTTP: set `http:` as well");
  }
  if (!config.http) return;
  if (config.http->tls && (config.http->cert.empty() || config.http->key.empty())) {
    mistakes.push_back(at_origin(config.http->origin) + "http: " + config.http->url.redacted() +
                       ": https:// needs a certificate and its key: set cert and key to files in PEM");
  }
  check_address(config, registry, mistakes);
  Paths paths(mistakes);
  for (const char* path : {"/livez", "/readyz"}) {
    if (config.health.is_served) paths.add("GET", path, {}, {});
  }
  for (const RouteConfig& route : config.routes) {
    const bool is_health = config.health.is_served && is_health_path(route);
    paths.add(route.method, route.path, route.origin, is_health ? "; without it: health: { served: false }" : "");
  }
  if (config.metrics) {
    paths.add("GET", config.metrics->path, config.metrics->origin, "; choose another path for metrics");
  }
}

}  // namespace waybill
