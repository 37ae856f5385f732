#include "service/service_core.hpp"

#include "config/config_options.hpp"
#include "middleware/configured.hpp"
#include "observers.hpp"
#include "service/introspection.hpp"
#include "waybill/detail/clock.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace waybill {

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return LogLevel::info;
}

Log make_log(const Config& config) {
  const LogLevel level = level_of(config.log_level);
  return config.log_format == "json" ? Log(stderr_json_log(), level) : Log(stderr_log(), level);
}

namespace {
Error stopped() { return Error(errc::closed, "the service was stopped before it was ready", End::rejected); }
}  // namespace

Service::Core::Core(std::optional<asio::any_io_executor> executor, Config config,
                    std::shared_ptr<const Registry> registry)
    : config_(std::move(config)), parts_(std::make_shared<detail::ServiceParts>()) {
  parts_->log = make_log(config_);
  parts_->registry = std::move(registry);
  config_.validate().value();
  parts_->tables.resize(std::max<std::size_t>(1, config_.listeners.size()));
  if (executor) {
    if (config_.threads > 1) {
      throw Error(errc::invalid_config,
                  "threads: " + std::to_string(config_.threads) +
                      " does nothing on the executor of a host, which brings the threads: leave it at 1; for more "
                      "than one thread make a service for each of several loops, or set handler_threads",
                  End::rejected);
    }
    home_.emplace(*executor);
  } else {
    for (unsigned i = 0; i < std::max(1u, config_.threads); ++i) {
      loops_.push_back(std::make_unique<asio::io_context>(1));
    }
    home_.emplace(loops_.front()->get_executor());
  }
  const Registry& known = *parts_->registry;
  detail::check_everything(known, config_);
  const std::vector<Middleware> around_all = detail::make_middleware(config_.middleware, Context::Side::service);
  for (const ListenerConfig& listener : config_.listeners) {
    std::vector<Middleware> chain = around_all;
    for (Middleware& one : detail::make_middleware(listener.middleware, Context::Side::service)) {
      chain.push_back(std::move(one));
    }
    configured_.push_back(std::move(chain));
    transports_.push_back(detail::make_configured(known, listener.url, listener.origin));
    serializers_.push_back(listener.serializer.empty() ? &known.default_serializer()
                                                       : known.serializer(listener.serializer).value());
  }
  if (config_.handler_threads > 0) {
    parts_->handler_pool = std::make_shared<detail::HandlerPool>(config_.handler_threads);
  }
}

Service::Core::~Core() {
  if (!parts_->handler_pool) return;
  if (parts_->handler_pool->runs_here()) {  // one of its handlers has destroyed the service
    asio::post(executor(), [parts = parts_] { parts->handler_pool->end(); });
  } else {
    parts_->handler_pool->end();
  }
}

const std::vector<std::shared_ptr<detail::ListenerHost>>& Service::Core::hosts() const noexcept {
  static const std::vector<std::shared_ptr<detail::ListenerHost>> k_none;
  return has_hosts_.load(std::memory_order_acquire) ? hosts_ : k_none;
}

void Service::Core::require_not_started(std::string_view what) const {
  if (!is_started_) return;
  throw Error(errc::invalid_config, std::string(what) + " must come before the service is started", End::rejected);
}

void Service::Core::warn() const {
  std::set<std::string> unreachable;
  for (const detail::RouteTable& table : parts_->tables) {
    for (std::string& route : table.unreachable()) unreachable.insert(std::move(route));
  }
  for (const std::string& route : unreachable) {
    parts_->log.warning("no message reaches the handler of " + route +
                        ": the text of a pattern is read as JSON if it can be, so take another one");
  }
  const std::vector<detail::RouteTable>& tables = parts_->tables;
  const bool has_handlers = std::any_of(tables.begin(), tables.end(), [](const auto& table) { return !table.empty(); });
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
    const ListenerConfig& listener = config_.listeners[i];
    if (!has_handlers || !tables[i].empty()) continue;
    const std::string name = listener.name.empty() ? listener.url.redacted() : '"' + listener.name + '"';
    parts_->log.warning("no handler is for the listener " + name);
  }
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) hosts_[i]->warn();  // the other loops have the same
}

void Service::Core::make_hosts() {
  const std::size_t threads = owns_loops() ? loops_.size() : 1;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
      const ListenerConfig& listener = config_.listeners[i];
      Environment environment;
      environment.executor = owns_loops() ? loops_[thread]->get_executor() : executor();
      environment.serializer = serializers_[i];
      environment.log = parts_->log;
      environment.max_in_flight = listener.max_in_flight;
      environment.group = listener.group;
      environment.dead_letter = listener.delivery.dead_letter;
      environment.shares_address = threads > 1;
      std::vector<Middleware> chain = configured_[i];
      chain.insert(chain.end(), parts_->middleware.begin(), parts_->middleware.end());
      hosts_.push_back(std::make_shared<detail::ListenerHost>(parts_, parts_->tables[i], listener, transports_[i],
                                                              std::move(chain), std::move(environment)));
    }
  }
  has_hosts_.store(true, std::memory_order_release);
}

std::vector<ListenerState> Service::Core::listeners() const {
  std::vector<ListenerState> states;
  for (const auto& host : hosts()) states.push_back(host->state());
  return states;
}

ServiceStats Service::Core::stats() const {
  ServiceStats stats;
  for (const auto& host : hosts()) {
    const detail::HostCounters& counters = host->counters;
    stats.requests += counters.requests;
    stats.events += counters.events;
    stats.failed += counters.failed;
    stats.unhandled += counters.unhandled;
    stats.retried += counters.retried;
    stats.dead_lettered += counters.dead_lettered;
    stats.dropped += counters.dropped;
    stats.in_flight += counters.in_flight;
  }
  return stats;
}

void Service::Core::add_introspection() {
  auto tell = [weak = weak_from_this()]() -> detail::Introspection::Now {
    const auto self = weak.lock();
    if (!self) return {};
    detail::Introspection::Now now{self->listeners(), self->stats()};
    for (std::size_t i = 0; i < now.listeners.size(); ++i) {
      // As others reach it, also where the configuration left the port open.
      if (std::string address = self->hosts()[i]->address(); !address.empty())
        now.listeners[i].url = std::move(address);
    }
    return now;
  };
  const auto introspection = std::make_shared<detail::Introspection>(config_, parts_->tables, std::move(tell));
  const std::shared_ptr<detail::Handler> handler =
      detail::make_handler([introspection](const IntrospectionQuery& query) { return introspection->answer(query); });
  for (detail::RouteTable& table : parts_->tables) table.add(k_introspection_pattern, handler, true);
  parts_->observer = detail::together(parts_->observer, introspection);
}

asio::awaitable<Result<void>> Service::Core::start() {
  require_not_started("start()");
  is_started_ = true;
  if (is_stopped_) co_return stopped();
  if (config_.listeners.empty()) {
    co_return Error(errc::invalid_config,
                    "the service has no listener: set WAYBILL_LISTEN, or `listeners:` in its "
                    "configuration, to a URL such as tcp://0.0.0.0:3000",
                    End::rejected);
  }
  if (config_.introspection) add_introspection();
  make_hosts();
  if (!config_.notice.empty()) parts_->log.info(config_.notice);
  warn();
  // All listeners come up side by side; the last to do so ends the start.
  const auto up = up_ = std::make_shared<Up>(executor());
  auto missing = std::make_shared<std::size_t>(hosts_.size());
  for (const auto& host : hosts_) {
    asio::co_spawn(host->executor(), host->start(),
                   [home = executor(), up, missing](std::exception_ptr thrown, Result<void> one) {
                     if (thrown) one = detail::error_from_handler(thrown, Packet(), Log());
                     asio::post(home, [up, missing, one = std::move(one)] {
                       --*missing;
                       if (!one || *missing == 0) up->set(one);
                     });
                   });
  }
  std::optional<Result<void>> outcome = co_await Up::wait(up);
  if (!outcome) outcome = Result<void>(Error(errc::cancelled, "the start was cancelled", End::rejected));
  if (!*outcome && is_stopped_) {
    co_await drain(config_.drain_timeout);  // some listeners may be serving already
  } else if (!*outcome) {
    close();
  }
  co_return *outcome;
}

asio::awaitable<DrainReport> Service::Core::drain(std::chrono::milliseconds limit) {
  is_stopped_ = true;
  const auto deadline = detail::deadline_after(detail::Clock::of(executor()).now(), limit);
  using Drained = detail::Arrival<DrainReport>;
  DrainReport total;
  std::vector<std::shared_ptr<Drained>> each;
  for (const auto& host : hosts_) {
    auto drained = std::make_shared<Drained>(executor());
    each.push_back(drained);
    auto tell = [home = executor(), drained](std::exception_ptr, DrainReport report) {
      asio::post(home, [drained, report] { drained->set(report); });
    };
    // Not from within: a handler that calls this is in hand, and finishes first.
    asio::post(host->executor(), [host, deadline, tell = std::move(tell)]() mutable {
      asio::co_spawn(host->executor(), host->drain(deadline), std::move(tell));
    });
  }
  for (const auto& drained : each) {
    const std::optional<DrainReport> report = co_await Drained::wait(drained);
    if (!report) throw Error(errc::cancelled, "nobody waits for the drain any more", End::unknown);
    total.finished += report->finished;
    total.ended += report->ended;
    total.given_back += report->given_back;
    total.abandoned += report->abandoned;
  }
  co_return total;
}

void Service::Core::close() {
  for (const auto& host : hosts()) {
    host->stop_taking();
    asio::post(host->executor(), [host] { host->close(); });  // not from within one of its handlers
  }
}

void Service::Core::stop() {
  asio::post(executor(), [weak = weak_from_this()] {  // a loop of its own may run no more
    const auto self = weak.lock();
    if (!self) return;
    self->is_stopped_ = true;
    if (self->up_) self->up_->set(stopped());
    if (self->stop_) self->stop_->cancel();
  });
}

}  // namespace waybill
