#include "config/config_options.hpp"

#include "config/listener_names.hpp"
#include "config/url_text.hpp"
#include "waybill/detail/same_address.hpp"
#include "waybill/error.hpp"

#include <algorithm>
#include <limits>

namespace waybill {
namespace detail {
namespace {

using enum OptionUse;

//                                    name             in listeners, in clients
constexpr CoreOption k_options[] = {
    {"serializer", read, read},   {"name", read, refuse},          {"group", read, refuse},
    {"instance", read, refuse},   {"max_in_flight", read, refuse}, {"startup", read, refuse},
    {"attempts", read, refuse},   {"backoff", read, refuse},       {"dead_letter", read, refuse},
    {"unhandled", read, refuse},  {"timeout", refuse, read},       {"connect_timeout", refuse, read},
    {"max_queued", refuse, read}, {"max_unsent", leave, read},     {"tell_deadline", refuse, read}};

enum class Role { listener, client };

/// Splits core's options off `url`. Those of the other role are mistakes, said in a sentence of their own.
Url split_off(Url& url, Role role, Mistakes& mistakes) {
  Url core;
  core.scheme = url.scheme;
  core.unshown = url.unshown;
  std::vector<std::pair<std::string, std::string>> rest;
  for (auto& option : url.options) {
    const auto known = std::find_if(std::begin(k_options), std::end(k_options),
                                    [&option](const CoreOption& candidate) { return candidate.name == option.first; });
    const OptionUse use = known == std::end(k_options) ? leave
                          : role == Role::listener     ? known->in_listeners
                                                       : known->in_clients;
    if (use == leave) {
      rest.push_back(std::move(option));
    } else if (use == read) {
      core.options.push_back(std::move(option));
    } else {
      mistakes.push_back(in_url_of(url.scheme) + "option \"" + option.first + "\" is for " +
                         (role == Role::listener ? "clients, not for listeners" : "listeners, not for clients"));
    }
  }
  url.options = std::move(rest);
  url.known_elsewhere.clear();
  for (const CoreOption& option : k_options) {
    const OptionUse use = role == Role::listener ? option.in_listeners : option.in_clients;
    if (use == read) url.known_elsewhere.emplace_back(option.name);
  }
  return core;
}

void finish(OptionReader& reader, Mistakes& mistakes) {
  if (const auto outcome = reader.finish(); !outcome) append_mistakes(outcome.error(), {}, mistakes);
}

std::size_t to_size(std::uint64_t number) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::size_t>::max()));
}

/// "100ms..10s", or one duration for each time.
bool read_backoff(std::string_view text, DeliveryPolicy& policy) {
  const std::size_t dots = text.find("..");
  const auto first = parse_duration(text.substr(0, dots));
  const auto most = dots == std::string_view::npos ? first : parse_duration(text.substr(dots + 2));
  if (!first || !most || *most < *first) return false;
  policy.backoff = *first;
  policy.most_backoff = *most;
  return true;
}

void take_delivery(OptionReader& reader, DeliveryPolicy& policy) {
  policy.attempts = static_cast<int>(reader.number("attempts", static_cast<std::uint64_t>(policy.attempts), 1, 1000));
  if (const auto backoff = reader.optional_text("backoff"); backoff && !read_backoff(*backoff, policy)) {
    reader.mistake("option \"backoff\": expected two durations such as 100ms..10s, or one, found \"" +
                   backoff->substr(0, 100) + '"');
  }
  policy.dead_letter = reader.text("dead_letter", policy.dead_letter);
  const std::size_t unhandled = policy.unhandled == DeliveryPolicy::Unhandled::drop ? 1 : 0;
  policy.unhandled = reader.choice("unhandled", "dead_letter|drop", unhandled) == 1
                         ? DeliveryPolicy::Unhandled::drop
                         : DeliveryPolicy::Unhandled::dead_letter;
}

}  // namespace

std::span<const CoreOption> core_options() noexcept { return k_options; }

std::unique_ptr<Transport> make_configured(const Registry& registry, const Url& url, const std::string& origin) {
  Result<std::unique_ptr<Transport>> made =
      url.is_self() ? Error(errc::invalid_config,
                            url.redacted() +
                                " stands for a listener of this program: Config::client(name, addresses) "
                                "knows its URL",
                            End::rejected)
                    : registry.make_transport(url);
  if (made) return *std::move(made);
  if (origin.empty()) throw made.error();
  Mistakes mistakes;
  append_mistakes(made.error(), origin + ": ", mistakes);
  throw_mistakes(mistakes);
  throw made.error();
}

std::optional<std::string> refusal_of(const ListenerConfig& listener, const Capabilities& can) {
  const std::string transport(can.transport);
  if (!listener.group.empty() && can.groups == Support::impossible) {
    return transport + " has no groups: remove group=" + listener.group + " from the listener";
  }
  const std::string& dead_letter = listener.delivery.dead_letter;
  if (!dead_letter.empty() && can.dead_letters == Support::impossible) {
    return transport + " has no dead letters: remove dead_letter=" + dead_letter + " from the listener";
  }
  return std::nullopt;
}

namespace {

enum class Depth {
  options,       ///< Schemes, options and serializers.
  capabilities,  ///< And what transports cannot do.
};

/// Each with where its option stands: `tcp URL: unknown option "NAME"...`.
template <class Endpoint>
void append_option_mistakes(const Error& error, const Endpoint& endpoint, Mistakes& mistakes) {
  const std::string prefix = in_url_of(endpoint.url.scheme);
  Mistakes found;
  append_mistakes(error, {}, found);
  for (const std::string& mistake : found) {
    const std::string_view what = std::string_view(mistake).substr(mistake.starts_with(prefix) ? prefix.size() : 0);
    const auto own = endpoint.option_origins.find(option_in(what));
    mistakes.push_back(at_origin(own == endpoint.option_origins.end() ? endpoint.origin : own->second) + mistake);
  }
}

/// `earlier`: those of this program whose addresses are their own. One that may share its port says so (reuse_port).
void check_address(const ListenerConfig& listener, std::vector<const ListenerConfig*>& earlier, Mistakes& mistakes) {
  if (listener.url.option("reuse_port")) return;
  const auto is_its = [&listener](const ListenerConfig* one) {
    const std::vector<Url::Host> none(1);
    return is_same_address(one->url.hosts.empty() ? none : one->url.hosts,
                           listener.url.hosts.empty() ? none : listener.url.hosts);
  };
  const auto found = std::find_if(earlier.begin(), earlier.end(), is_its);
  if (found != earlier.end())
    mistakes.push_back(at_origin(listener.origin) + "another listener " + same_address_as(**found));
  earlier.push_back(&listener);
}

void check(const Registry& registry, const Config& config, Depth depth, Mistakes& mistakes) {
  std::vector<const ListenerConfig*> with_address;
  const auto check_url = [&](const Url& url, const auto& endpoint, const ListenerConfig* listener) {
    if (url.scheme.empty() || url.is_self()) return;  // a mistake that is told already
    const auto made = registry.make_transport(url);
    if (!made) append_option_mistakes(made.error(), endpoint, mistakes);
    if (made && listener && (*made)->capabilities().sole_listener) check_address(*listener, with_address, mistakes);
    if (made && listener && depth == Depth::capabilities) {
      const auto refusal = refusal_of(*listener, (*made)->capabilities());
      if (refusal) mistakes.push_back(at_origin(endpoint.origin) + *refusal);
    }
  };
  const auto check_serializer = [&](const std::string& serializer, const std::string& origin) {
    if (serializer.empty()) return;
    if (const auto found = registry.serializer(serializer); !found) {
      append_mistakes(found.error(), at_origin(origin), mistakes);
    }
  };
  for (const ListenerConfig& listener : config.listeners) {
    check_url(listener.url, listener, &listener);
    check_serializer(listener.serializer, listener.origin);
  }
  for (const auto& [name, client] : config.clients) {
    const auto resolved = resolve_own(config, client);  // or it is a mistake of validate()
    if (!resolved) continue;
    check_url(resolved->url, client, nullptr);
    check_serializer(resolved->serializer, client.origin);
  }
}

}  // namespace

void check_everything(const Registry& registry, const Config& config) {
  Mistakes mistakes;
  check(registry, config, Depth::options, mistakes);
  throw_mistakes(mistakes);
}

void check_file(const Registry& registry, const Config& config, Mistakes& mistakes) {
  check(registry, config, Depth::capabilities, mistakes);
}

void take_options(ListenerConfig& config, Mistakes& mistakes) {
  if (config.url.is_self()) {
    mistakes.push_back("self:NAME is for clients: it stands for a listener, which has a URL of its own");
  }
  const Url core = split_off(config.url, Role::listener, mistakes);
  OptionReader reader(core);
  config.serializer = reader.text("serializer", config.serializer);
  config.name = reader.text("name", config.name);
  config.group = reader.text("group", config.group);
  config.instance = reader.text("instance", config.instance);
  config.max_in_flight = to_size(reader.number("max_in_flight", config.max_in_flight, 1, 1'000'000));
  if (const auto startup = reader.optional_text("startup")) {
    if (const auto parsed = parse_startup(*startup)) {
      config.startup = *parsed;
    } else {
      reader.mistake("option \"startup\": " + std::string(parsed.error().message()));
    }
  }
  take_delivery(reader, config.delivery);
  finish(reader, mistakes);
}

void take_options(ClientConfig& config, Mistakes& mistakes) {
  const Url core = split_off(config.url, Role::client, mistakes);
  OptionReader reader(core);
  config.serializer = reader.text("serializer", config.serializer);
  config.timeout = reader.duration("timeout", config.timeout);
  config.connect_timeout = reader.duration("connect_timeout", config.connect_timeout);
  config.max_queued_bytes = to_size(reader.size("max_queued", config.max_queued_bytes));
  config.max_unsent_bytes = to_size(reader.size("max_unsent", config.max_unsent_bytes));
  config.tells_deadline = reader.flag("tell_deadline", config.tells_deadline);
  if (config.timeout.count() == 0)
    reader.mistake("option \"timeout\": must be more than 0: every request has a deadline");
  if (config.connect_timeout.count() == 0)
    reader.mistake("option \"connect_timeout\": must be more than 0: no call could wait for its link");
  finish(reader, mistakes);
}

Result<Startup> parse_startup(std::string_view text) {
  Startup startup;
  if (text == "fail_fast") {
    startup.mode = Startup::Mode::fail_fast;
    return startup;
  }
  if (text == "background") {
    startup.mode = Startup::Mode::background;
    return startup;
  }
  startup.mode = Startup::Mode::wait;
  if (text == "wait") return startup;
  if (text.starts_with("wait(") && text.ends_with(')')) {
    if (const auto limit = parse_duration(text.substr(5, text.size() - 6))) {
      startup.limit = startup.taken_limit = *limit;
      return startup;
    }
  }
  return Error(errc::invalid_config,
               "expected fail_fast, wait, wait(30s) or background, found \"" + std::string(text.substr(0, 100)) + '"',
               End::rejected);
}

}  // namespace detail

ListenerConfig ListenerConfig::from_url(std::string_view text) {
  ListenerConfig config;
  config.url = Url::parse(text).value();
  detail::Mistakes mistakes;
  detail::take_options(config, mistakes);
  detail::throw_mistakes(mistakes);
  return config;
}

ClientConfig ClientConfig::from_url(std::string_view text) {
  ClientConfig config;
  config.url = Url::parse(text).value();
  detail::Mistakes mistakes;
  detail::take_options(config, mistakes);
  detail::throw_mistakes(mistakes);
  return config;
}

}  // namespace waybill
