// WAYBILL_ variables: settings of the whole service, its listeners, and the URLs of its clients and named listeners.
#include "config/config_tree.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>
#include <utility>

namespace waybill::detail {
namespace {

constexpr std::string_view k_prefix = "WAYBILL_";
constexpr std::string_view k_listen = "WAYBILL_LISTEN";
constexpr std::string_view k_listeners = "WAYBILL_LISTENERS_";
constexpr std::string_view k_clients = "WAYBILL_CLIENTS_";
constexpr std::string_view k_url = "_URL";
constexpr std::string_view k_username = "_USERNAME";
constexpr std::string_view k_password = "_PASSWORD";

/// How the name of a client or listener is written in a variable: `order-events` is ORDER_EVENTS.
std::string variable_name(std::string_view of) {
  std::string name;
  for (const char c : of) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool stays = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += is_lower ? static_cast<char>(c - 'a' + 'A') : stays ? c : '_';
  }
  return name;
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

void read_listeners(std::string_view text, Config& config, Mistakes& mistakes) {
  constexpr std::string_view k_space = " \t\r\n";
  if (!config.listeners.empty()) {
    const std::string& origin = config.listeners.front().origin;  // file:line
    config.notice = std::string(k_listen) + " replaces the listeners of " + origin.substr(0, origin.rfind(':'));
  }
  config.listeners.clear();
  for (std::size_t begin = 0; (begin = text.find_first_not_of(k_space, begin)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(k_space, begin), text.size());
    auto url = Url::parse(text.substr(begin, end - begin));
    begin = end;
    if (!url) {
      append_mistakes(url.error(), std::string(k_listen) + ": ", mistakes);
      continue;
    }
    ListenerConfig listener;
    listener.url = *std::move(url);
    listener.origin = k_listen;
    Mistakes found;
    take_options(listener, found);
    for (const std::string& mistake : found) mistakes.push_back(std::string(k_listen) + ": " + mistake);
    config.listeners.push_back(std::move(listener));
  }
}

/// Null if there is none of that name.
ListenerConfig* listener_of(std::string_view name, Config& config) {
  const auto found = std::find_if(config.listeners.begin(), config.listeners.end(), [&name](const auto& listener) {
    return !listener.name.empty() && variable_name(listener.name) == name;
  });
  return found == config.listeners.end() ? nullptr : &*found;
}

ClientConfig* client_of(std::string_view name, Config& config) {
  const auto found = std::find_if(config.clients.begin(), config.clients.end(),
                                  [&name](const auto& client) { return variable_name(client.first) == name; });
  return found == config.clients.end() ? nullptr : &found->second;
}

/// A new URL for what the file has, whose timeout and so on stay, or for one of its own.
template <class Endpoint>
void read_url(const std::string& variable, std::string_view text, Endpoint& endpoint, Mistakes& mistakes) {
  auto url = Url::parse(text);
  if (!url) return append_mistakes(url.error(), variable + ": ", mistakes);
  endpoint.url = *std::move(url);
  endpoint.origin = variable;
  endpoint.option_origins.clear();
  Mistakes wrong;
  take_options(endpoint, wrong);
  for (const std::string& mistake : wrong) mistakes.push_back(variable + ": " + mistake);
}

void read_client(const std::string& variable, std::string_view name, std::string_view text, Config& config,
                 Mistakes& mistakes) {
  ClientConfig* client = client_of(name, config);
  read_url(variable, text, client ? *client : config.clients[lower_case(name)], mistakes);
}

void read_listener(const std::string& variable, std::string_view name, std::string_view text, Config& config,
                   Mistakes& mistakes) {
  ListenerConfig* listener = listener_of(name, config);
  if (!listener) {
    listener = &config.listeners.emplace_back();
    listener->name = lower_case(name);
  }
  const std::string before = listener->name;
  read_url(variable, text, *listener, mistakes);
  if (listener->name != before) mistakes.push_back(variable + ": its URL has another name, name=" + listener->name);
}

/// User and password from variables that begin with `prefix`: as they are, nothing in them is encoded. Mistakes name them.
template <class Endpoint>
void read_credentials(const Variables& variables, const std::string& prefix, Endpoint& endpoint, Mistakes& mistakes) {
  const char* link = " with ";
  const auto read = [&](std::string_view suffix, std::string& credential) {
    const std::string name = prefix + std::string(suffix);
    const std::string* value = variables.find(name);
    if (!value || value->empty() || *value == credential) return;
    if (!credential.empty()) {
      mistakes.push_back(name + ": the URL has one already");
    } else {
      credential = *value;
      endpoint.origin += (endpoint.origin.empty() ? "" : std::exchange(link, " and ")) + name;
    }
  };
  read(k_username, endpoint.url.user);
  read(k_password, endpoint.url.password);
}

/// Those of all listeners that WAYBILL_LISTEN names, and of each named listener and each client that there is now.
void read_all_credentials(const Variables& variables, Config& config, Mistakes& mistakes) {
  for (ListenerConfig& listener : config.listeners) {
    if (listener.origin == k_listen) read_credentials(variables, std::string(k_listen), listener, mistakes);
    if (listener.name.empty()) continue;
    read_credentials(variables, std::string(k_listeners) + variable_name(listener.name), listener, mistakes);
  }
  for (auto& [name, client] : config.clients) {
    read_credentials(variables, std::string(k_clients) + variable_name(name), client, mistakes);
  }
}

/// NAME of <prefix><NAME><suffix>; empty if it is no such variable.
std::string_view name_in(std::string_view variable, std::string_view prefix, std::string_view suffix) {
  if (!variable.starts_with(prefix) || !variable.ends_with(suffix)) return {};
  if (variable.size() <= prefix.size() + suffix.size()) return {};
  return variable.substr(prefix.size(), variable.size() - prefix.size() - suffix.size());
}

bool has_listen(const Config& config) {
  const auto is_of_it = [](const ListenerConfig& listener) {
    return listener.origin == k_listen || listener.origin.starts_with(std::string(k_listen) + ' ');
  };
  return std::any_of(config.listeners.begin(), config.listeners.end(), is_of_it);
}

bool is_credential(std::string_view variable, Config& config) {
  for (const std::string_view suffix : {k_username, k_password}) {
    if (variable == std::string(k_listen) + std::string(suffix)) return has_listen(config);
    if (client_of(name_in(variable, k_clients, suffix), config)) return true;
    if (listener_of(name_in(variable, k_listeners, suffix), config)) return true;
  }
  return false;
}

/// Variables that nobody reads are left alone, as tests and tools have some of their own; unless one looks like a slip.
void report_slip(const std::string& variable, Mistakes& mistakes) {
  if (variable.starts_with("WAYBILL_TEST_") || variable.starts_with("WAYBILL_BENCH")) return;
  if (variable == "WAYBILL_LISTEN_USERNAME" || variable == "WAYBILL_LISTEN_PASSWORD") {
    mistakes.push_back(variable + ": there is no listener of WAYBILL_LISTEN; one of the file with a name has " +
                       std::string(k_listeners) + "<NAME>" + variable.substr(k_listen.size()));
    return;
  }
  const bool is_client = variable.starts_with(k_clients);
  if (is_client || variable.starts_with(k_listeners)) {
    const std::string what = is_client ? "client" : "listener";
    mistakes.push_back(variable.substr(0, 100) + ": expected " + std::string(is_client ? k_clients : k_listeners) +
                       "<NAME>_URL, or _USERNAME and _PASSWORD of a " + what + " that there is; options of a " + what +
                       " go into its URL");
    return;
  }
  for (const std::string_view known : {k_clients, k_listeners}) {
    const std::string_view singular = known.substr(0, known.size() - 2);  // without the "S_"
    if (variable.starts_with(singular) && variable.substr(singular.size()).starts_with('_')) {
      mistakes.push_back(variable.substr(0, 100) + ": there is no such variable; did you mean " + std::string(known) +
                         variable.substr(singular.size() + 1, 100) + '?');
      return;
    }
  }
  std::string near;
  std::size_t least = 3;  // letters
  const auto consider = [&](std::string_view known) {
    if (near.empty() && variable.starts_with(known) && variable.substr(known.size()).starts_with('_')) near = known;
    const std::size_t distance = edit_distance(variable, known);
    if (distance >= least) return;
    least = distance;
    near = known;
  };
  consider(k_listen);
  for (const Setting& setting : settings()) consider(setting.variable);
  if (!near.empty())
    mistakes.push_back(variable.substr(0, 100) + ": there is no such variable; did you mean " + near + '?');
}

}  // namespace

void read_variables(Config& config, Mistakes& mistakes) {
  const Variables& variables = config.variables;
  std::vector<std::string> others;
  for (const auto& [name, value] : variables.all()) {
    if (!name.starts_with(k_prefix)) continue;
    const auto setting = std::find_if(settings().begin(), settings().end(),
                                      [&name = name](const Setting& s) { return s.variable == name; });
    const std::string_view client = name_in(name, k_clients, k_url);
    const std::string_view listener = name_in(name, k_listeners, k_url);
    if (value.empty()) continue;  // set to nothing is not set
    if (name == k_listen) {       // before those of WAYBILL_LISTENERS_: the names come in order
      read_listeners(value, config, mistakes);
    } else if (setting != settings().end()) {
      if (const char* wanted = setting->set(config, value)) {
        mistakes.push_back(name + ": expected " + wanted + ", found \"" + value.substr(0, 100) + '"');
      }
    } else if (!client.empty()) {
      read_client(name, client, value, config, mistakes);
    } else if (!listener.empty()) {
      read_listener(name, listener, value, config, mistakes);
    } else {
      others.push_back(name);
    }
  }
  read_all_credentials(variables, config, mistakes);
  for (const std::string& name : others) {
    if (!is_credential(name, config)) report_slip(name, mistakes);
  }
}

}  // namespace waybill::detail
