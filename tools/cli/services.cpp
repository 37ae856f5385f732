#include "services.hpp"

#include "inputs.hpp"
#include "session.hpp"
#include "table.hpp"
#include <waybill/introspection.hpp>
#include <waybill/time.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <tuple>

namespace waybill::cli {
namespace {

using Ask = IntrospectionQuery::Ask;
using Services = std::vector<ServiceInfo>;
using namespace std::chrono_literals;

template <class... Numbers>
std::string format(const char* form, Numbers... numbers) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), form, numbers...);
  return text.data();
}

/// "3d 4h", "4h 12m", "12m 5s", "5s".
std::string age_of(std::chrono::system_clock::time_point started) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - started);
  const long long s = std::max<long long>(0, seconds.count());
  if (s >= 86400) return format("%lldd %lldh", s / 86400, s / 3600 % 24);
  if (s >= 3600) return format("%lldh %lldm", s / 3600, s / 60 % 60);
  if (s >= 60) return format("%lldm %llds", s / 60, s % 60);
  return format("%llds", s);
}

void print_json(const Services& services) {
  for (const ServiceInfo& service : services) print_line(json_line(Payload::of(service, json_serializer())).value());
}

/// By name, then by instance: as people look for them, and the same each time.
void sort(Services& services) {
  std::sort(services.begin(), services.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.instance) < std::tie(b.name, b.instance); });
}

std::string text_of(const Services& services) {
  Table table({"NAME", "VERSION", "INSTANCE", "HOST", "PID", "UP", "LISTENERS", "HANDLERS"}, 1);
  for (const ServiceInfo& service : services) {
    std::string listeners;
    for (const ListenerInfo& listener : service.listeners.value_or(std::vector<ListenerInfo>())) {
      listeners += (listeners.empty() ? "" : " ") + listener.url;
      if (listener.status != "ready") listeners += " (" + listener.status + ')';
    }
    const std::size_t handlers = service.handlers ? service.handlers->size() : 0;
    table.add({printable(service.name), printable(service.version), printable(service.instance),
               printable(service.host), std::to_string(service.pid), age_of(service.started), printable(listeners),
               std::to_string(handlers)});
  }
  return table.text();
}

/// Handlers of all instances together, by service, pattern and kind.
class Sums {
 public:
  explicit Sums(const Services& services, std::chrono::steady_clock::time_point at) : at_(at) {
    for (const ServiceInfo& service : services) add(service);
  }

  /// With rates since `before`, if there was a look before.
  std::string text(const Sums* before) const {
    Table table({"SERVICE", "KIND", "PATTERN", "HANDLED", "PER SECOND", "FAILED", "MEAN ms", "MOST ms"}, 5);
    constexpr std::size_t k_rows = 500;
    std::size_t rows = 0;
    for (const auto& [key, sum] : sums_) {
      if (++rows > k_rows) break;
      const auto& [service, kind, pattern] = key;
      const double mean = sum.handled > 0 ? sum.total_ms / static_cast<double>(sum.handled) : 0;
      table.add({printable(service), printable(kind), printable(pattern), std::to_string(sum.handled),
                 rate(before, key, sum), std::to_string(sum.failed), format("%.3f", mean),
                 format("%.3f", sum.most_ms)});
    }
    return std::to_string(instances_) + (instances_ == 1 ? " instance, " : " instances, ") +
           std::to_string(in_flight_) + " in flight, " + std::to_string(retried_) + " retried, " +
           std::to_string(dead_lettered_) + " dead letters, " + std::to_string(dropped_) + " dropped, " +
           std::to_string(unhandled_) + " without a handler\n" + table.text() +
           (sums_.size() > k_rows ? "and " + std::to_string(sums_.size() - k_rows) + " more\n" : "");
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Sum {
    std::uint64_t handled = 0, failed = 0;
    double total_ms = 0, most_ms = 0;
  };

  void add(const ServiceInfo& service) {
    ++instances_;
    in_flight_ += service.in_flight.value_or(0);
    retried_ += service.retried.value_or(0);
    dead_lettered_ += service.dead_lettered.value_or(0);
    dropped_ += service.dropped.value_or(0);
    unhandled_ += service.unhandled.value_or(0);
    for (const HandlerInfo& handler : service.handlers.value_or(std::vector<HandlerInfo>())) {
      Sum& sum = sums_[Key(service.name, handler.kind, handler.pattern)];
      const std::uint64_t handled = handler.handled.value_or(0);
      sum.handled += handled;
      sum.failed += handler.failed.value_or(0);
      sum.total_ms += handler.mean_ms.value_or(0) * static_cast<double>(handled);
      sum.most_ms = std::max(sum.most_ms, handler.most_ms.value_or(0));
    }
  }

  std::string rate(const Sums* before, const Key& key, const Sum& sum) const {
    if (!before) return "-";
    const auto found = before->sums_.find(key);
    const std::uint64_t then = found == before->sums_.end() ? 0 : found->second.handled;
    if (then > sum.handled) return "-";  // an instance has gone, or was started anew
    const double seconds = std::chrono::duration<double>(at_ - before->at_).count();
    return format("%.1f", static_cast<double>(sum.handled - then) / seconds);
  }

  std::chrono::steady_clock::time_point at_;
  std::map<Key, Sum> sums_;
  std::uint64_t instances_ = 0, in_flight_ = 0, retried_ = 0, dead_lettered_ = 0, dropped_ = 0, unhandled_ = 0;
};

struct Look {
  explicit Look(const Arguments& arguments)
      : patience(arguments.timeout.empty() ? 1000ms : parse_time(arguments.timeout, "--timeout")),
        interval(parse_time(arguments.interval, "--interval")),
        count(arguments.count),
        name(arguments.name),
        is_typescript(arguments.is_typescript),
        is_json(arguments.is_json) {}
  std::chrono::milliseconds patience, interval;
  std::uint64_t count;
  std::string name;
  bool is_typescript;
  bool is_json;
};

asio::awaitable<void> list(Client& client, const Look& look) {
  Services services = co_await find_services(client, Ask::info, look.patience);
  sort(services);
  if (look.is_json) {
    print_json(services);
  } else {
    print_text(text_of(services));
  }
}

asio::awaitable<void> watch(Client& client, const Look& look) {
  const char* clear = ::isatty(STDOUT_FILENO) == 1 ? "\033[H\033[2J" : "";
  std::optional<Sums> before;
  for (std::uint64_t looks = 0; look.count == 0 || looks < look.count; ++looks) {
    if (looks > 0) {
      Timer pause(client.executor(), look.interval);
      co_await pause.async_wait();
    }
    Services services = co_await find_services(client, Ask::stats, look.patience);
    if (look.is_json) {
      print_json(services);
      continue;
    }
    Sums now(services, std::chrono::steady_clock::now());
    print_text(clear + now.text(before ? &*before : nullptr));
    before = std::move(now);
  }
}

/// The service of that name, or the only one. Instances are alike: the first tells.
asio::awaitable<void> print_description(Client& client, const Look& look) {
  const Services services = co_await find_services(client, Ask::schemas, look.patience);
  std::vector<std::string> names;
  const ServiceInfo* chosen = nullptr;
  for (const ServiceInfo& service : services) {
    if (std::find(names.begin(), names.end(), service.name) == names.end()) names.push_back(service.name);
    if (!chosen && (look.name.empty() || service.name == look.name)) chosen = &service;
  }
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + printable(name);
  if (!chosen) throw UsageError("no service \"" + look.name + "\" answered, but " + all);
  if (look.name.empty() && names.size() > 1) throw UsageError("several services answered: --name one of " + all);
  const ServiceDescription description = description_of(*chosen);
  print_text(look.is_typescript ? typescript(description) : async_api(description));
}

using Work = asio::awaitable<void> (*)(Client& client, const Look& look);

asio::awaitable<Outcome> run(Client& client, const Look& look, Work work, const Serializer& format) {
  try {
    co_await work(client, look);
  } catch (const Error& error) {
    if (error.code() == errc::no_handler) {
      co_return failure(Exit::no_answer, "no_answer",
                        "a service is there, and tells nothing of itself: set `introspection: true` in its "
                        "configuration, or WAYBILL_INTROSPECTION=on");
    }
    if (error.code() == errc::no_receiver || error.code() == errc::timeout) {
      co_return failure(
          Exit::no_answer, "no_answer",
          std::string("no service answered; those with `introspection: true` do: ") + std::string(error.message()));
    }
    co_return call_failure(error, format);
  }
  co_return Outcome();
}

Outcome ask(const Arguments& arguments, const Log& log, Work work) {
  const Look look(arguments);
  Session session(arguments);
  return session.run(log, [&](Client& client) { return run(client, look, work, session.format()); });
}

}  // namespace

Outcome ps(const Arguments& arguments, const Log& log) { return ask(arguments, log, list); }
Outcome top(const Arguments& arguments, const Log& log) { return ask(arguments, log, watch); }
Outcome describe_service(const Arguments& arguments, const Log& log) {
  if (arguments.is_openapi) return usage_error("a service over a carrier has no HTTP routes: --openapi is for a FILE");
  return ask(arguments, log, print_description);
}

}  // namespace waybill::cli
