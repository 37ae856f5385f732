#include "waybill/application_config.hpp"

#include "application_check.hpp"
#include "body_template.hpp"
#include "http/router.hpp"
#include "waybill/detail/mistakes.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/registry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <span>

namespace waybill {

namespace {

using http::BodyTemplate;

constexpr std::array<std::string_view, 5> k_methods{"get", "post", "put", "patch", "delete"};
constexpr std::array<std::string_view, 3> k_kinds{"request", "event", "stream"};

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

/// The only one of `names` that the mapping has; null and told if there is none or another.
const ConfigMember* one_of(const ConfigNode& map, std::span<const std::string_view> names, const char* what,
                           const ConfigMistakes& mistakes) {
  const ConfigMember* found = nullptr;
  for (const ConfigMember& member : map.members) {
    if (std::find(names.begin(), names.end(), member.key.text) == names.end()) continue;
    if (found) {
      mistakes(member.key, std::string(what) + ": there is one already, \"" + found->key.text + '"');
      return nullptr;
    }
    found = &member;
  }
  if (found) return found;
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  mistakes(map, std::string(what) + " is missing: one of " + all);
  return nullptr;
}

std::optional<Pattern> read_pattern(const ConfigNode& node, const ConfigMistakes& mistakes) {
  try {
    if (node.is_text()) return Pattern(node.text);
    const auto json = BodyTemplate::read(node, mistakes);
    if (!json) return std::nullopt;
    return Pattern::from_json(json->make(http::Request()));
  } catch (const Error& error) {
    mistakes(node, "pattern: " + std::string(error.message()));
  } catch (const http::Problem&) {
    mistakes(node, "pattern: takes nothing of the request");
  }
  return std::nullopt;
}

std::string nearest_client(std::string_view name, const Config& known) {
  std::vector<std::string> names;
  for (const auto& [client, ignored] : known.clients) names.push_back(client);
  return detail::suggestion(name, names);
}

/// Reads the section `http`.
class HttpReader {
 public:
  HttpReader(ApplicationConfig& config, const Config& known, const ConfigMistakes& mistakes)
      : config_(config), known_(known), mistakes_(mistakes) {}

  void read(const ConfigNode& node) {
    if (node.is_text()) return read_address(node);
    if (!node.is_map()) return mistakes_.expected(node, "http", "an address, or a mapping with \"listen\"");
    mistakes_.repeated(node);
    const ConfigNode* listen = node.find("listen");
    if (!listen) mistakes_(node, "http: the key \"listen\" is missing");
    if (listen && !listen->is_text()) mistakes_.expected(*listen, "listen", "an address such as 0.0.0.0:8080");
    for (const auto& [key, value] : node.members) {
      if (std::find(k_keys.begin(), k_keys.end(), key.text) == k_keys.end()) add_options(key.text, key, value);
    }
    if (listen && listen->is_text()) {
      read_address(*listen);
    } else {
      check_options(node);
    }
    if (const ConfigNode* routes = node.find("routes")) read_routes(*routes);
  }

 private:
  static constexpr std::array<std::string_view, 2> k_keys{"listen", "routes"};  ///< Beside options.
  void add_options(const std::string& name, const ConfigNode& key, const ConfigNode& value) {
    places_.emplace(name, &key);
    if (value.is_map()) {
      mistakes_.repeated(value);
      for (const auto& [inner_key, inner] : value.members) add_options(name + '.' + inner_key.text, inner_key, inner);
    } else if (value.is_list()) {
      std::string words;
      for (const ConfigNode& item : value.items) words += (words.empty() ? "" : ",") + item.text;
      add_option(name, words, value.items);
    } else if (value.is_text()) {
      add_option(name, value.text, {&value, 1});
    } else {
      mistakes_.expected(value, name, "a value");
    }
  }
  void add_option(const std::string& name, const std::string& text, std::span<const ConfigNode> written) {
    options_.emplace_back(name, text);
    const auto holds_variables = [](const ConfigNode& node) { return !node.variables.empty(); };
    if (std::any_of(written.begin(), written.end(), holds_variables)) unshown_.insert(name);
  }

  void read_address(const ConfigNode& node) {
    if (!node.is_filled) return;
    Url url;
    try {
      url = http::ServerConfig::from_url(node.text).url;
    } catch (const Error& error) {
      tell(node, error);
      return check_options(node);
    }
    try {
      auto read = http::ServerConfig::read(with_options(std::move(url)));
      if (!read) return tell(node, read.error());
      config_.http = *std::move(read);
      config_.http->origin = mistakes_.where(node);
    } catch (const Error& error) {
      tell(node, error);
    }
  }
  /// Where there is no good address: one mistake must not hide the others.
  void check_options(const ConfigNode& node) {
    const auto read = http::ServerConfig::read(with_options(http::ServerConfig::from_url("127.0.0.1:0").url));
    if (!read) tell(node, read.error());
  }
  Url with_options(Url url) const {
    url.options.insert(url.options.end(), options_.begin(), options_.end());
    url.known_elsewhere.assign(k_keys.begin(), k_keys.end());
    url.unshown = unshown_;
    return url;
  }
  void tell(const ConfigNode& node, const Error& error) {
    detail::Mistakes found;
    detail::append_mistakes(error, {}, found);
    for (const std::string& mistake : found) {
      std::string_view what = mistake;
      for (const std::string_view prefix : {"http URL: ", "https URL: "}) {
        if (what.starts_with(prefix)) what.remove_prefix(prefix.size());
      }
      const auto place = places_.find(detail::option_in(what));
      mistakes_(place == places_.end() ? node : *place->second, "http: " + std::string(what));
    }
  }

  void read_routes(const ConfigNode& node) {
    if (node.is_nothing()) return;
    if (!node.is_list()) return mistakes_.expected(node, "routes", "a list (\"- get: /hello\")");
    for (const ConfigNode& item : node.items) {
      const std::size_t before = mistakes_.count();
      RouteConfig route = read_route(item);
      if (mistakes_.count() == before) check(item, std::move(route));
    }
  }

  RouteConfig read_route(const ConfigNode& node) {
    RouteConfig route;
    route.origin = mistakes_.where(node);
    if (!node.is_map()) {
      mistakes_.expected(node, "a route", "a mapping such as { get: /hello, request: { ... } }");
      return route;
    }
    const ConfigMember* method = one_of(node, k_methods, "the method of a route", mistakes_);
    const ConfigMember* kind = one_of(node, k_kinds, "what a route does", mistakes_);
    ConfigReader reader(node, "route", mistakes_);
    for (const std::string_view name : k_methods) reader.node(name);
    for (const std::string_view name : k_kinds) reader.node(name);
    if (method) {
      route.method = upper_case(method->key.text);
      reader.text(method->key.text, route.path);
    }
    reader.duration("timeout", route.timeout);
    if (kind) {
      route.kind =
          static_cast<RouteConfig::Kind>(std::find(k_kinds.begin(), k_kinds.end(), kind->key.text) - k_kinds.begin());
      if (const ConfigNode* message = reader.node(kind->key.text)) read_message(*message, kind->key.text, route);
    }
    reader.finish();
    return route;
  }

  void read_message(const ConfigNode& node, const std::string& what, RouteConfig& route) {
    if (!node.is_map()) return mistakes_.expected(node, what, "a mapping with client, pattern and perhaps body");
    ConfigReader reader(node, what, mistakes_);
    const ConfigNode* client = reader.node("client");
    const ConfigNode* pattern = reader.node("pattern");
    const ConfigNode* body = reader.node("body");
    if (const ConfigNode* timeout = node.find("timeout")) {
      reader.node("timeout");
      mistakes_(*timeout, "the timeout of a route stands beside \"" + what + "\", not in it");
    }
    reader.finish();
    if (!client) return mistakes_(node, what + ": the key \"client\" is missing");
    if (!pattern) return mistakes_(node, what + ": the key \"pattern\" is missing");
    if (!client->is_text()) return mistakes_.expected(*client, "client", "the name of a client");
    route.client = client->text;
    if (!known_.clients.contains(route.client)) {
      mistakes_(*client, "no client \"" + client->written.substr(0, 100) + "\" is configured" +
                             nearest_client(route.client, known_));
    }
    route.pattern = read_pattern(*pattern, mistakes_);
    if (body) route.body = BodyTemplate::read(*body, mistakes_);
  }

  void check(const ConfigNode& node, RouteConfig route) {
    try {
      http::Route plain{route.method, route.path, {}, {}, {}};
      router_.add(std::move(plain));
      const std::vector<std::string>& names = router_.routes().back()->names;
      for (const std::string& name : route.body ? route.body->path_names() : std::vector<std::string>()) {
        if (std::find(names.begin(), names.end(), name) == names.end())
          mistakes_(node, "the path " + route.path + " has no {" + name + '}' + detail::suggestion(name, names));
      }
      config_.routes.push_back(std::move(route));
    } catch (const Error& error) {
      mistakes_(node, error.message());
    }
  }

  ApplicationConfig& config_;
  const Config& known_;
  const ConfigMistakes& mistakes_;
  http::Router router_;
  std::vector<std::pair<std::string, std::string>> options_;      // beside the address
  std::set<std::string, std::less<>> unshown_;                    // of these: out of variables
  std::map<std::string, const ConfigNode*, std::less<>> places_;  // of options
};

void read_health(const ConfigNode& node, const Config& known, const ConfigMistakes& mistakes, HealthConfig& into) {
  if (!node.is_map()) return mistakes.expected(node, "health", "a mapping with served and required");
  ConfigReader reader(node, "health", mistakes);
  reader.flag("served", into.is_served);
  reader.texts("required", into.required);
  reader.duration("stuck_after", into.stuck_after);
  reader.finish();
  for (const std::string& name : into.required) {
    if (!known.clients.contains(name)) {
      mistakes(node, "health: no client \"" + name + "\" is configured" + nearest_client(name, known));
    }
  }
}

void read_metrics(const ConfigNode& node, const ConfigMistakes& mistakes, std::optional<MetricsConfig>& into) {
  if (!node.is_text() && !node.is_map()) return mistakes.expected(node, "metrics", "a path, or a mapping with path");
  MetricsConfig config;
  config.origin = mistakes.where(node);
  ConfigReader reader(node, "metrics", mistakes);
  reader.main("path");
  reader.text("path", config.path);
  std::vector<std::string> buckets;
  reader.texts("buckets", buckets);
  reader.finish();
  if (reader.is_good() && !config.path.starts_with('/')) mistakes(node, "metrics: expected a path such as /metrics");
  double before = 0;
  for (const std::string& text : buckets) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = error == std::errc{} && end == text.data() + text.size() && seconds < 1e9;
    if (!is_number || !(seconds > before)) {
      return mistakes(node,
                      "metrics: buckets: expected seconds such as [0.001, 0.1, 1], each more than the one before");
    }
    config.buckets.push_back(before = seconds);
  }
  into = std::move(config);
}

std::vector<ConfigSection> sections_of(ApplicationConfig& config) {
  return {{"http", [&config](const ConfigNode& node, const Config& known,
                             const ConfigMistakes& mistakes) { HttpReader(config, known, mistakes).read(node); }},
          {"health", [&config](const ConfigNode& node, const Config& known,
                               const ConfigMistakes& mistakes) { read_health(node, known, mistakes, config.health); }},
          {"metrics", [&config](const ConfigNode& node, const Config&, const ConfigMistakes& mistakes) {
             read_metrics(node, mistakes, config.metrics);
           }}};
}

/// `read` reads core's part. With a registry all that an Application would refuse is told as well.
template <class Read>
ApplicationConfig read_all(const Registry* registry, Read read) {
  ApplicationConfig config;
  detail::Mistakes mistakes;
  try {
    static_cast<Config&>(config) = read(sections_of(config));
  } catch (const Error& error) {
    if (!registry) throw;
    mistakes.emplace_back(error.message());
    if (!config.http) config.metrics.reset();  // there may be one that could not be read
  }
  if (registry) check_parts(config, *registry, mistakes);
  detail::throw_mistakes(mistakes);
  return config;
}

}  // namespace

ApplicationConfig ApplicationConfig::load(const std::string& file, const std::shared_ptr<const Registry>& registry) {
  return read_all(registry.get(), [&](const auto& sections) { return Config::load(file, sections, registry.get()); });
}

ApplicationConfig ApplicationConfig::from_env() { return Config::from_env(); }

ApplicationConfig ApplicationConfig::parse(std::string_view yaml, std::string_view name,
                                           const std::shared_ptr<const Registry>& registry) {
  return read_all(registry.get(),
                  [&](const auto& sections) { return Config::parse(yaml, name, sections, registry.get()); });
}

}  // namespace waybill
