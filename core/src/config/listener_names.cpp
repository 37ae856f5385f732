#include "config/listener_names.hpp"

#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill {
namespace detail {
namespace {

Error invalid(std::string text) { return Error(errc::invalid_config, std::move(text), End::rejected); }

/// What listens on all addresses is called on the loopback one.
void call_loopback(std::vector<Url::Host>& hosts) {
  for (Url::Host& host : hosts) {
    if (host.name == "0.0.0.0") host.name = "127.0.0.1";
    if (host.name == "::") host.name = "::1";
  }
}

bool has_port_zero(const Url& url) {
  return std::any_of(url.hosts.begin(), url.hosts.end(), [](const Url::Host& h) { return h.has_port && h.port == 0; });
}

/// The ports that a listener really got, of its address.
Result<void> take_ports(std::vector<Url::Host>& hosts, const std::string& address) {
  Result<Url> real = Url::parse(address);
  if (!real || has_port_zero(*real)) return invalid("has no port yet: start the service first");
  if (hosts.size() == 1) {
    hosts.front().port = real->hosts.front().port;  // the name stays: certificates may be for it
  } else {
    hosts = std::move(real->hosts);
    call_loopback(hosts);
  }
  return {};
}

}  // namespace

Result<std::size_t> find_listener(const Config& config, std::string_view name) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    if (!name.empty() && config.listeners[i].name == name) return i;
    if (!config.listeners[i].name.empty()) known.push_back(config.listeners[i].name);
  }
  return invalid("no listener is named \"" + std::string(name.substr(0, 100)) + '"' +
                 (known.empty() ? "; none has a name" : suggestion(name, known)) +
                 (config.notice.empty() ? "" : " (" + config.notice + ')'));
}

void check_names(const Config& config, Mistakes& mistakes) {
  for (auto listener = config.listeners.begin(); listener != config.listeners.end(); ++listener) {
    if (listener->name.empty()) continue;
    const auto first = std::find_if(config.listeners.begin(), listener,
                                    [&](const ListenerConfig& other) { return other.name == listener->name; });
    if (first == listener) continue;
    mistakes.push_back(at_origin(listener->origin) + "a second listener is named \"" + listener->name.substr(0, 100) +
                       '"' + (first->origin.empty() ? "" : "; the first is at " + first->origin));
  }
  for (const auto& [name, client] : config.clients) {
    if (!client.url.is_self()) continue;
    const auto found = find_listener(config, client.url.hosts.front().name);
    if (!found) {
      mistakes.push_back(at_origin(client.origin) + "client \"" + name.substr(0, 100) +
                         "\": " + std::string(found.error().message()));
    }
  }
}

Result<ClientConfig> resolve_own(const Config& config, const ClientConfig& client) {
  if (!client.url.is_self()) return client;
  const auto found = find_listener(config, client.url.hosts.front().name);
  if (!found) return found.error();
  const ListenerConfig& listener = config.listeners[*found];
  ClientConfig own = client;
  own.url.scheme = listener.url.scheme;
  own.url.hosts = listener.url.hosts;
  own.url.path = listener.url.path;
  if (own.url.user.empty()) own.url.user = listener.url.user;
  if (own.url.password.empty()) own.url.password = listener.url.password;
  if (own.serializer.empty()) own.serializer = listener.serializer;
  call_loopback(own.url.hosts);
  return own;
}

}  // namespace detail

ClientConfig Config::client(std::string_view which, const std::vector<std::string>& addresses) const {
  const ClientConfig& known = client(which);
  ClientConfig own = detail::resolve_own(*this, known).value();
  if (!known.url.is_self() || !detail::has_port_zero(own.url)) return own;
  const std::size_t place = *detail::find_listener(*this, known.url.hosts.front().name);
  const auto ports = detail::take_ports(own.url.hosts, place < addresses.size() ? addresses[place] : std::string());
  if (!ports) {
    throw detail::invalid("client \"" + std::string(which.substr(0, 100)) + "\": the listener \"" +
                          known.url.hosts.front().name + "\" " + std::string(ports.error().message()));
  }
  return own;
}

}  // namespace waybill
