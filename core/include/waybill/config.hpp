// Config: which listeners and clients there are, from YAML, a .env file and the environment.
#pragma once

#include "waybill/config_section.hpp"
#include "waybill/log.hpp"
#include "waybill/result.hpp"
#include "waybill/url.hpp"
#include "waybill/variables.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {

class Registry;

/// What happens when the other side is not there at start; means the same on each transport. A refused password ends
/// the start at once, always.
struct Startup {
  enum class Mode { fail_fast, wait, background };
  Mode mode = Mode::wait;
  std::chrono::milliseconds limit{30'000};  ///< Of wait.
  /// Of wait, where another program has the address to listen on: time for the one that this takes the place of.
  std::chrono::milliseconds taken_limit{2'000};

  Result<void> validate() const;
};

/// What happens to events whose handler fails; one meaning on each transport that can deliver again.
struct DeliveryPolicy {
  enum class Unhandled { dead_letter, drop };
  int attempts = 5;                                ///< In all; a permanent error ends them at once.
  std::chrono::milliseconds backoff{100};          ///< At least that before the second attempt; doubled each time,
  std::chrono::milliseconds most_backoff{10'000};  ///< up to this.
  std::string dead_letter;  ///< The channel for messages that are given up, in the carrier's form; empty: dropped.
  Unhandled unhandled = Unhandled::dead_letter;  ///< Messages that no handler wants.

  Result<void> validate() const;
};

struct Middleware;

/// One step of a `middleware:` list. `make` is called once for each service or client, which then remember for themselves.
struct MiddlewareConfig {
  std::string name;
  std::function<Middleware()> make;
  std::string origin;  ///< As in ListenerConfig.
};

/// One listener: its URL without core's own options, and those.
struct ListenerConfig {
  Url url;
  std::string name;                  ///< Handlers may be for it alone (Service::at). Empty: it has none.
  std::string serializer;            ///< Empty: the registry's default.
  std::string group;                 ///< Listeners of one group share the work; empty: the transport's default.
  std::string instance;              ///< A name for this process, shown by monitoring.
  std::size_t max_in_flight = 1024;  ///< Messages in hand at once, those that wait to be tried again included; beyond
                                     ///< it reading stops.
  Startup startup;
  DeliveryPolicy delivery;
  std::vector<MiddlewareConfig> middleware;  ///< Around the handlers, for what comes by this listener; outermost first.
  std::string origin;                        ///< Where it was written, for errors: "orders.yaml:3". May be empty.
  std::map<std::string, std::string, std::less<>> option_origins;  ///< The same of options beside the URL.

  /// Reads core's options off a URL. Throws Error(invalid_config).
  static ListenerConfig from_url(std::string_view url);
  Result<void> validate() const;
};

struct ClientConfig {
  Url url;
  std::string serializer;
  std::chrono::milliseconds timeout{30'000};          ///< Of a request, if the call does not say.
  std::chrono::milliseconds connect_timeout{10'000};  ///< How long a call waits for a link.
  std::size_t max_queued_bytes = 8u << 20;            ///< Waiting for a link; beyond it calls fail with overloaded.
  std::size_t max_unsent_bytes = 128u << 20;          ///< Given to the link and not yet written.
  bool tells_deadline = true;                ///< Requests carry their deadline, where the carrier has a place for it.
  std::vector<MiddlewareConfig> middleware;  ///< Around its calls, outermost first.
  std::string origin;                        ///< As in ListenerConfig.
  std::map<std::string, std::string, std::less<>> option_origins;  ///< The same.

  /// Reads core's options off a URL. Throws Error(invalid_config).
  static ClientConfig from_url(std::string_view url);
  Result<void> validate() const;
};

/// Everything a service needs to know. A plain value; load() and from_env() throw Error(invalid_config) with every
/// mistake at once: file, line, what was expected and the nearest known name. Secrets are never in the text.
struct Config {
  std::vector<ListenerConfig> listeners;
  std::map<std::string, ClientConfig, std::less<>> clients;
  std::string name;              ///< Of the service, for people and tools. Empty: the program's file name.
  std::string version;           ///< Of the service, in whatever form. May be empty.
  bool introspection = false;    ///< Whether it answers who asks for it (waybill/introspection.hpp).
  unsigned threads = 1;          ///< Loops; each opens every listener.
  unsigned handler_threads = 0;  ///< 0: handlers run on the loop of their listener.
  std::chrono::milliseconds drain_timeout{10'000};  ///< What SIGTERM gives handlers to finish.
  std::string log_level = "info";                   ///< debug, info, warning, error or off.
  std::string log_format = "text";                  ///< text, or json: one line of JSON for each record.
  std::vector<MiddlewareConfig> middleware;         ///< Around the handlers, for all listeners; outside of theirs.
  /// What its reader should know: "WAYBILL_LISTEN replaces the listeners of orders.yaml". Logged at the start. May be empty.
  std::string notice;
  Variables variables;  ///< What it was read with, for programs, too: the environment, and
                        ///< `.env` where that is read.

  /// A YAML file; `${NAME:-default}` takes from the environment and from `.env` beside the file; WAYBILL_LISTEN and
  /// WAYBILL_CLIENTS_<NAME>_URL override. `sections`: keys of the file that others read. `registry`: also tells what its
  /// transports and serializers find wrong with the URLs, which services and clients tell otherwise when they are made.
  static Config load(const std::string& file, const std::vector<ConfigSection>& sections = {},
                     const Registry* registry = nullptr);
  /// WAYBILL_LISTEN (URLs separated by spaces), WAYBILL_CLIENTS_<NAME>_URL and so on, and `.env` in the working folder.
  static Config from_env();
  /// YAML from memory; `name` stands for the file in errors.
  static Config parse(std::string_view yaml, std::string_view name = "config",
                      const std::vector<ConfigSection>& sections = {}, const Registry* registry = nullptr);
  /// One listener for each URL.
  static Config listen(const std::vector<std::string>& urls);

  /// What a program has filled in: invalid_config with every mistake, as for all validate() here. Services and clients
  /// are made of valid ones only.
  Result<void> validate() const;
  /// Throws Error(invalid_config) that names the known clients.
  const ClientConfig& client(std::string_view name) const;
  /// The same for a client that may be `self:NAME`: with the URL of that listener, of which it takes scheme, user,
  /// password, hosts and path, but no options; its serializer if the client has none. What listens on all addresses is
  /// called on the loopback one, a port 0 is the one that it really got, of `addresses` (Service::addresses()).
  ClientConfig client(std::string_view name, const std::vector<std::string>& addresses) const;
};

/// To standard error, as `log` and `log_format` of the configuration say.
Log make_log(const Config& config);

}  // namespace waybill
