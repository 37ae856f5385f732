#include "waybill/service.hpp"

#include "config_options.hpp"
#include "listener_host.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/detail/serial_executor.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>

#include <csignal>
#include <optional>
#include <thread>

namespace waybill {

namespace {

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  if (name == "off") return LogLevel::off;
  return LogLevel::info;
}

}  // namespace

/// Owns the loops, if they are the service's own, and one host for each listener on each loop.
class Service::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(std::optional<asio::any_io_executor> executor, Config config, std::shared_ptr<const Registry> registry)
      : config_(std::move(config)), registry_(std::move(registry)), parts_(std::make_shared<detail::ServiceParts>()) {
    parts_->log = Log(stderr_log(), level_of(config_.log_level));
    config_.validate().value();
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
    detail::check_everything(*registry_, config_);
    for (const ListenerConfig& listener : config_.listeners) {
      transports_.push_back(detail::make_configured(*registry_, listener.url, listener.origin));
      serializers_.push_back(listener.serializer.empty() ? &registry_->default_serializer()
                                                         : registry_->serializer(listener.serializer).value());
    }
    if (config_.handler_threads > 0) {
      pool_ = std::make_unique<asio::thread_pool>(config_.handler_threads);
      parts_->handler_pool = pool_->get_executor();
    }
  }

  ~Core() {
    if (pool_) pool_->join();
  }

  detail::ServiceParts& parts() noexcept { return *parts_; }
  const Config& config() const noexcept { return config_; }
  const asio::any_io_executor& executor() const noexcept { return home_->get(); }
  asio::io_context& loop() noexcept { return *loops_.front(); }
  bool owns_loops() const noexcept { return !loops_.empty(); }
  const std::vector<std::shared_ptr<detail::ListenerHost>>& hosts() const noexcept { return hosts_; }

  void require_not_started(std::string_view what) const {
    if (!is_started_) return;
    throw Error(errc::invalid_config, std::string(what) + " must come before the service is started", End::rejected);
  }

  asio::awaitable<Result<void>> start() {
    require_not_started("start()");
    is_started_ = true;
    if (is_stopped_) co_return stopped();
    if (config_.listeners.empty()) {
      co_return Error(errc::invalid_config,
                      "the service has no listener: set WAYBILL_LISTEN, or `listeners:` in its "
                      "configuration, to a URL such as tcp://0.0.0.0:3000",
                      End::rejected);
    }
    make_hosts();
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

  asio::awaitable<DrainReport> drain(std::chrono::milliseconds limit) {
    is_stopped_ = true;
    const auto deadline = detail::deadline_after(std::chrono::steady_clock::now(), limit);
    using Drained = detail::Arrival<DrainReport>;
    DrainReport total;
    std::vector<std::shared_ptr<Drained>> each;
    for (const auto& host : hosts_) {
      auto drained = std::make_shared<Drained>(executor());
      each.push_back(drained);
      asio::co_spawn(host->executor(), host->drain(deadline),
                     [home = executor(), drained](std::exception_ptr, DrainReport report) {
                       asio::post(home, [drained, report] { drained->set(report); });
                     });
    }
    for (const auto& drained : each) {
      std::optional<DrainReport> report = co_await Drained::wait(drained);
      if (!report) continue;
      total.finished += report->finished;
      total.given_back += report->given_back;
      total.abandoned += report->abandoned;
    }
    co_return total;
  }

  void close() {
    for (const auto& host : hosts_) {
      asio::post(host->executor(), [host] { host->close(); });
    }
  }

  int run();
  void stop();

 private:
  using Up = detail::Arrival<Result<void>>;

  static Error stopped() { return Error(errc::closed, "the service was stopped before it was ready", End::rejected); }

  void warn() const {
    for (const std::string& route : parts_->table.unreachable()) {
      parts_->log.warning("no message reaches the handler of " + route +
                          ": the text of a pattern is read as JSON if it can be, so take another one");
    }
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) hosts_[i]->warn();  // the other loops have the same
  }

  void make_hosts() {
    const std::size_t threads = owns_loops() ? loops_.size() : 1;
    for (std::size_t thread = 0; thread < threads; ++thread) {
      for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
        const ListenerConfig& listener = config_.listeners[i];
        Environment environment;
        environment.executor = owns_loops() ? loops_[thread]->get_executor() : executor();
        environment.serializer = serializers_[i];
        environment.log = parts_->log;
        environment.metrics = parts_->metrics;
        environment.max_in_flight = listener.max_in_flight;
        environment.group = listener.group;
        environment.dead_letter = listener.delivery.dead_letter;
        environment.shares_address = threads > 1;
        const asio::any_io_executor home = environment.executor;
        hosts_.push_back(std::make_shared<detail::ListenerHost>(parts_, listener,
                                                                transports_[i]->make_listener(std::move(environment)),
                                                                home, transports_[i]->capabilities()));
      }
    }
  }

  Config config_;
  std::shared_ptr<const Registry> registry_;
  std::shared_ptr<detail::ServiceParts> parts_;
  std::vector<std::unique_ptr<asio::io_context>> loops_;  // the first is the service's own
  std::optional<detail::SerialExecutor> home_;
  std::unique_ptr<asio::thread_pool> pool_;
  std::vector<std::unique_ptr<Transport>> transports_;
  std::vector<const Serializer*> serializers_;
  std::vector<std::shared_ptr<detail::ListenerHost>> hosts_;
  std::shared_ptr<Up> up_;  // once the start has begun
  std::unique_ptr<asio::steady_timer> stop_;
  bool is_started_ = false;
  bool is_stopped_ = false;  // or drained: a start that is under way ends
};

int Service::Core::run() {
  if (!owns_loops()) {
    throw Error(errc::invalid_config,
                "run() belongs to a service with a loop of its own: on a host's executor call start()", End::rejected);
  }
  int status = 0;
  asio::signal_set signals(loop(), SIGINT, SIGTERM);
  stop_ = std::make_unique<asio::steady_timer>(loop(), asio::steady_timer::time_point::max());
  signals.async_wait([this](std::error_code ec, int) {
    if (!ec) stop();
  });
  std::vector<std::thread> threads;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> busy;

  asio::co_spawn(
      loop(),
      [](Core& self, int& result) -> asio::awaitable<void> {
        Result<void> started = co_await self.start();
        if (!started && self.is_stopped_) co_return;
        if (!started) {
          self.parts_->log.error(std::string("cannot start: ") + started.error().what());
          result = 1;
          co_return;
        }
        for (const auto& host : self.hosts_) self.parts_->log.info(host->describe());
        if (!self.is_stopped_) co_await detail::wait_quietly(*self.stop_);
        const DrainReport numbers = co_await self.drain(self.config_.drain_timeout);
        self.parts_->log.info("drained: " + std::to_string(numbers.finished) + " finished, " +
                              std::to_string(numbers.given_back) + " given back, " + std::to_string(numbers.abandoned) +
                              " abandoned");
      }(*this, status),
      [this, &signals](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
        signals.cancel();
        for (const auto& one : loops_) one->stop();
      });
  // The other loops begin to run at once and wait for their listeners.
  for (std::size_t i = 1; i < loops_.size(); ++i) {
    busy.push_back(asio::make_work_guard(*loops_[i]));
    threads.emplace_back([loop = loops_[i].get()] { loop->run(); });
  }
  try {
    loop().run();
  } catch (...) {
    for (const auto& one : loops_) one->stop();
    for (std::thread& thread : threads) thread.join();
    throw;
  }
  for (std::thread& thread : threads) thread.join();
  return status;
}

void Service::Core::stop() {
  asio::post(executor(), [self = shared_from_this()] {
    self->is_stopped_ = true;
    if (self->up_) self->up_->set(stopped());
    if (self->stop_) self->stop_->cancel();
  });
}

Service::Service(Config config, std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::nullopt, std::move(config), std::move(registry))) {}

Service::Service(asio::any_io_executor executor, Config config, std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::move(executor), std::move(config), std::move(registry))) {}

Service::~Service() { close(); }

void Service::add(const Pattern& pattern, std::unique_ptr<detail::Handler> handler, bool is_request) {
  core_->require_not_started("handlers");
  core_->parts().table.add(pattern, std::move(handler), is_request);
}

Service& Service::use(Middleware middleware) {
  core_->require_not_started("use()");
  core_->parts().middleware.push_back(std::move(middleware));
  return *this;
}

Service& Service::log_to(LogSink sink) {
  core_->require_not_started("log_to()");
  core_->parts().log = Log(std::move(sink), level_of(core_->config().log_level));
  return *this;
}

Service& Service::metrics_to(MetricSink sink) {
  core_->require_not_started("metrics_to()");
  core_->parts().metrics = std::move(sink);
  return *this;
}

int Service::run() { return core_->run(); }

void Service::start_then(detail::UniqueFunction<void(Result<void>)> done) {
  asio::co_spawn(executor(), core_->start(),
                 [core = core_, done = std::move(done)](std::exception_ptr thrown, Result<void> outcome) mutable {
                   if (thrown) outcome = detail::error_from_handler(thrown, Packet(), core->parts().log);
                   done(std::move(outcome));
                 });
}

void Service::drain_then(std::chrono::milliseconds limit, detail::UniqueFunction<void(Result<DrainReport>)> done) {
  asio::co_spawn(executor(), core_->drain(limit),
                 [core = core_, done = std::move(done)](std::exception_ptr thrown, DrainReport report) mutable {
                   if (thrown) return done(detail::error_from_handler(thrown, Packet(), core->parts().log));
                   done(std::move(report));
                 });
}

void Service::stop() { core_->stop(); }
void Service::close() { core_->close(); }
asio::any_io_executor Service::executor() const { return core_->executor(); }

std::vector<std::string> Service::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& host : core_->hosts()) addresses.push_back(host->address());
  return addresses;
}

std::vector<std::string> Service::describe() const {
  std::vector<std::string> lines;
  for (const auto& host : core_->hosts()) lines.push_back(host->describe());
  return lines;
}

ServiceStats Service::stats() const {
  ServiceStats stats;
  for (const auto& host : core_->hosts()) {
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

}  // namespace waybill
