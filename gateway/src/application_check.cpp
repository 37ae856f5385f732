#include "application_check.hpp"

#include "http/router.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill {

namespace {

std::string at(const std::string& origin) { return origin.empty() ? std::string() : origin + ": "; }

/// The routes that there will be, and whose they are.
class Paths {
 public:
  explicit Paths(std::vector<std::string>& mistakes) : mistakes_(mistakes) {}

  /// `instead`: what to do where the path is taken.
  void add(const std::string& method, const std::string& path, const std::string& origin, const std::string& instead) {
    try {
      router_.add({method, path, {}, {}, {}});
    } catch (const Error& error) {
      mistakes_.push_back(at(origin) + std::string(error.message()) + instead);
    }
  }

 private:
  http::Router router_;
  std::vector<std::string>& mistakes_;
};

bool is_health_path(const RouteConfig& route) {
  return route.method == "GET" && (route.path == "/livez" || route.path == "/readyz");
}

}  // namespace

void check_parts(const ApplicationConfig& config, std::vector<std::string>& mistakes) {
  if (config.threads > 1) {
    mistakes.push_back(
        "threads: " + std::to_string(config.threads) +
        " is for services alone: an application runs one loop; set handler_threads, or run it more than once");
  }
  if (config.metrics && !config.http) {
    mistakes.push_back(at(config.metrics->origin) + "metrics: the application serves no HTTP: set `http:` as well");
  }
  if (!config.http) return;
  if (config.http->tls && (config.http->cert.empty() || config.http->key.empty())) {
    mistakes.push_back(at(config.http->origin) + "http: " + config.http->url.redacted() +
                       ": https:// needs a certificate and its key: set cert and key to files in PEM");
  }
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

void throw_all(const std::vector<std::string>& mistakes) {
  if (mistakes.empty()) return;
  std::string all;
  for (const std::string& mistake : mistakes) all += (all.empty() ? "" : "\n") + mistake;
  throw Error(errc::invalid_config, std::move(all), End::rejected);
}

}  // namespace waybill
