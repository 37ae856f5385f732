// WAYBILL_ variables: settings of the whole service, its listeners, and the URLs of its clients.
#include "config_tree.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill::detail {
namespace {

constexpr std::string_view k_prefix = "WAYBILL_";
constexpr std::string_view k_listen = "WAYBILL_LISTEN";
constexpr std::string_view k_clients = "WAYBILL_CLIENTS_";
constexpr std::string_view k_url = "_URL";

/// How a client's name is written in a variable: `order-events` is ORDER_EVENTS.
std::string variable_name(std::string_view client) {
  std::string name;
  for (const char c : client) {
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

/// A new URL for a client that the file has, whose timeout and so on stay; or a client of its own.
void read_client(const std::string& variable, std::string_view name, std::string_view text, Config& config,
                 Mistakes& mistakes) {
  auto url = Url::parse(text);
  if (!url) return append_mistakes(url.error(), variable + ": ", mistakes);
  auto found = std::find_if(config.clients.begin(), config.clients.end(),
                            [&name](const auto& client) { return variable_name(client.first) == name; });
  if (found == config.clients.end()) found = config.clients.try_emplace(lower_case(name)).first;
  found->second.url = *std::move(url);
  found->second.origin = variable;
  Mistakes wrong;
  take_options(found->second, wrong);
  for (const std::string& mistake : wrong) mistakes.push_back(variable + ": " + mistake);
}

/// Variables that nobody reads are left alone, as tests and tools have some of their own; unless one looks like a slip.
void report_slip(const std::string& variable, Mistakes& mistakes) {
  if (variable.starts_with("WAYBILL_TEST_") || variable.starts_with("WAYBILL_BENCH")) return;
  if (variable.starts_with(k_clients)) {
    mistakes.push_back(variable.substr(0, 100) +
                       ": expected WAYBILL_CLIENTS_<NAME>_URL; options of a client go into its URL");
    return;
  }
  std::string near;
  std::size_t least = 3;  // letters
  const auto consider = [&](std::string_view known) {
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

void read_variables(const Variables& variables, Config& config, Mistakes& mistakes) {
  for (const auto& [name, value] : variables.all()) {
    if (!name.starts_with(k_prefix)) continue;
    const auto setting = std::find_if(settings().begin(), settings().end(),
                                      [&name = name](const Setting& s) { return s.variable == name; });
    const bool is_client =
        name.starts_with(k_clients) && name.ends_with(k_url) && name.size() > k_clients.size() + k_url.size();
    if (value.empty()) continue;  // set to nothing is not set
    if (name == k_listen) {
      read_listeners(value, config, mistakes);
    } else if (setting != settings().end()) {
      if (const char* wanted = setting->set(config, value)) {
        mistakes.push_back(name + ": expected " + wanted + ", found \"" + value.substr(0, 100) + '"');
      }
    } else if (is_client) {
      const std::string_view client = std::string_view(name).substr(k_clients.size());
      read_client(name, client.substr(0, client.size() - k_url.size()), value, config, mistakes);
    } else {
      report_slip(name, mistakes);
    }
  }
}

}  // namespace waybill::detail
