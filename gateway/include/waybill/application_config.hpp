// ApplicationConfig: a Config with an HTTP server and its routes.
#pragma once

#include "waybill/config.hpp"
#include "waybill/http/server_config.hpp"
#include "waybill/pattern.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

namespace http {
class BodyTemplate;
}  // namespace http

/// A route without code: what a request over HTTP becomes on a carrier.
struct RouteConfig {
  enum class Kind {
    request,  ///< Its reply is the response.
    event,    ///< 202 with the message's id, once the carrier has it.
    stream,   ///< The values of the reply, as server-sent events or lines of JSON.
  };
  Kind kind = Kind::request;
  std::string method;
  std::string path;
  std::string client;
  std::optional<Pattern> pattern;                  ///< Always there.
  std::shared_ptr<const http::BodyTemplate> body;  ///< Null: the message has null for a payload.
  std::chrono::milliseconds timeout{0};            ///< 0: the server's; of a stream: none.
  std::string origin;                              ///< As in ListenerConfig.
};

/// What `health:` says.
struct HealthConfig {
  bool is_served = true;              ///< `/livez` and `/readyz` on the HTTP server.
  std::vector<std::string> required;  ///< Clients without whose link the program is not ready.
  std::chrono::milliseconds stuck_after{
      2'000};  ///< Something new waits so long for a handler thread: not ready. 0: never.
};

/// What `metrics:` says.
struct MetricsConfig {
  std::string path = "/metrics";  ///< On the HTTP server.
  std::vector<double> buckets;    ///< Seconds; empty: those of PrometheusOptions.
  std::string origin;             ///< As in ListenerConfig.
};

/// A plain value. The functions are those of Config, and read the sections `http`, `health` and `metrics` as well.
struct ApplicationConfig : Config {
  ApplicationConfig() = default;
  ApplicationConfig(Config config) : Config(std::move(config)) {}  // NOLINT: implicit by design

  std::optional<http::ServerConfig> http;  ///< Without it nothing is served over HTTP.
  std::vector<RouteConfig> routes;
  HealthConfig health;
  std::optional<MetricsConfig> metrics;  ///< Without it nothing is counted.

  /// With a registry it also tells all that would be found when an Application is made of it.
  static ApplicationConfig load(const std::string& file, const std::shared_ptr<const Registry>& registry = nullptr);
  static ApplicationConfig from_env();
  static ApplicationConfig parse(std::string_view yaml, std::string_view name = "config",
                                 const std::shared_ptr<const Registry>& registry = nullptr);
};

}  // namespace waybill
