#include "middleware/configured.hpp"

#include "config/config_options.hpp"
#include "waybill/detail/nearest.hpp"
#include "waybill/error.hpp"

#include <algorithm>

namespace waybill::detail {

namespace {

using Maker = std::function<Middleware()>;

constexpr std::uint64_t k_most = 1'000'000;  // of any number here

Maker read_bulkhead(ConfigReader& options) {
  middleware::BulkheadOptions bulkhead;
  options.main("max_concurrent");
  options.number("max_concurrent", bulkhead.max_concurrent, 1, k_most);
  options.number("max_waiting", bulkhead.max_waiting, 0, k_most);
  options.duration("max_wait", bulkhead.max_wait);
  return [bulkhead] { return middleware::bulkhead(bulkhead); };
}

Maker read_circuit_breaker(ConfigReader& options) {
  using Breaker = middleware::CircuitBreakerOptions;
  constexpr std::string_view k_scopes[] = {"pattern", "all"};
  Breaker breaker;
  std::size_t scope = 0;
  options.share("failure_rate", breaker.failure_rate);
  options.number("minimum_calls", breaker.minimum_calls, 1, k_most);
  options.duration("window", breaker.window);
  options.number("consecutive", breaker.consecutive, 0, k_most);
  options.durations("open", breaker.open, breaker.most_open);
  options.number("trials", breaker.trials, 1, k_most);
  options.choice("scope", k_scopes, scope);
  options.number("max_patterns", breaker.max_patterns, 1, k_most);
  breaker.scope = scope == 1 ? Breaker::Scope::all : Breaker::Scope::pattern;
  return [breaker] { return middleware::circuit_breaker(breaker); };
}

Maker read_throttle(ConfigReader& options) {
  middleware::ThrottleOptions throttle;
  options.main("rate");
  options.number("rate", throttle.rate, 1, k_most);
  options.duration("per", throttle.per);
  int burst = 0;
  options.number("burst", burst, 1, k_most);
  if (burst > 0) throttle.burst = burst;
  options.number("max_waiting", throttle.max_waiting, 0, k_most);
  options.duration("max_wait", throttle.max_wait);
  return [throttle] { return middleware::throttle(throttle); };
}

Maker read_timeout(ConfigReader& options) {
  options.main("limit");
  std::chrono::milliseconds limit{0};
  options.duration("limit", limit);
  if (options.is_good() && limit.count() == 0) options.mistake("needs a limit that is more than 0, as in timeout: 5s");
  return [limit] { return middleware::timeout(limit); };
}

Maker read_deduplicate(ConfigReader& options) {
  middleware::DeduplicateOptions deduplicate;
  options.text("header", deduplicate.header);
  options.text("property", deduplicate.property);
  options.duration("window", deduplicate.window);
  options.number("max_messages", deduplicate.max_messages, 1, k_most);
  return [deduplicate] { return middleware::deduplicate(deduplicate); };
}

Maker read_message_id(ConfigReader&) {
  return [] { return middleware::message_id(); };
}

Maker read_retry(ConfigReader& options) {
  middleware::RetryOptions retry;
  options.main("attempts");
  options.number("attempts", retry.attempts, 1, k_most);
  options.durations("backoff", retry.first, retry.most);
  options.flag("idempotent", retry.idempotent);
  return [retry] { return middleware::retry(retry); };
}

Maker read_trace(ConfigReader& options) {
  middleware::TraceOptions trace;
  options.main("ratio");
  options.share("ratio", trace.ratio, ConfigReader::Least::zero);
  return [trace] { return middleware::trace(trace); };
}

Maker read_log(ConfigReader& options) {
  constexpr std::string_view k_levels[] = {"debug", "info", "warning", "error"};
  std::size_t level = static_cast<std::size_t>(LogLevel::info);
  options.main("level");
  options.choice("level", k_levels, level);
  return [level = static_cast<LogLevel>(level)] { return middleware::log(level); };
}

struct Known {
  std::string_view name;
  Maker (*read)(ConfigReader& options);
};
constexpr Known k_known[] = {{"bulkhead", read_bulkhead},
                             {"circuit_breaker", read_circuit_breaker},
                             {"deduplicate", read_deduplicate},
                             {"log", read_log},
                             {"message_id", read_message_id},
                             {"retry", read_retry},
                             {"throttle", read_throttle},
                             {"timeout", read_timeout},
                             {"trace", read_trace}};

std::string_view name_of_side(Context::Side side) {
  return side == Context::Side::client ? "clients" : "listeners and their handlers";
}

}  // namespace

std::optional<MiddlewareConfig> read_middleware(const std::string& name, const ConfigNode& options, Context::Side side,
                                                const ConfigMistakes& mistakes) {
  const auto known =
      std::find_if(std::begin(k_known), std::end(k_known), [&name](const Known& one) { return one.name == name; });
  if (known == std::end(k_known)) {
    std::vector<std::string> names;
    for (const Known& one : k_known) names.emplace_back(one.name);
    mistakes(options.line, "unknown middleware \"" + name.substr(0, 100) + '"' + suggestion(name, names));
    return std::nullopt;
  }
  ConfigReader reader(options, name, mistakes);
  Maker make = known->read(reader);
  reader.finish();
  if (!reader.is_good()) return std::nullopt;
  try {
    require_side(make(), side);
  } catch (const Error& error) {
    Mistakes found;
    append_mistakes(error, {}, found);
    for (const std::string& text : found) mistakes(options.line, text);
    return std::nullopt;
  }
  return MiddlewareConfig{name, std::move(make), {}};
}

std::vector<std::pair<std::string, std::vector<std::string>>> known_middleware() {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  const ConfigNode empty;
  Mistakes ignored;
  const ConfigMistakes ignore({}, ignored);
  for (const Known& one : k_known) {
    ConfigReader options(empty, {}, ignore);
    one.read(options);
    all.emplace_back(one.name, options.known());
  }
  return all;
}

std::vector<Middleware> make_middleware(const std::vector<MiddlewareConfig>& list, Context::Side side) {
  std::vector<Middleware> made;
  Mistakes mistakes;
  for (const MiddlewareConfig& one : list) {
    try {
      made.push_back(one.make());
      require_side(made.back(), side);
    } catch (const Error& error) {
      append_mistakes(error, at_origin(one.origin), mistakes);
    }
  }
  throw_mistakes(mistakes);
  return made;
}

void require_side(const Middleware& middleware, Context::Side side) {
  if (!middleware.only_on || *middleware.only_on == side) return;
  throw Error(errc::invalid_config,
              middleware.name + ": is for " + std::string(name_of_side(*middleware.only_on)) + ", not for " +
                  std::string(name_of_side(side)),
              End::rejected);
}

std::string describe_chain(const std::vector<Middleware>& chain) {
  std::string text;
  for (const Middleware& one : chain) text += (text.empty() ? ", through " : ", ") + one.name;
  return text;
}

}  // namespace waybill::detail
