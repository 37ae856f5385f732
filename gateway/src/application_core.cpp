// Application::Core: what it holds, and its start and end. run() and health are in files of their own.
#include "application_core.hpp"

#include "application_check.hpp"
#include "routes.hpp"
#include "waybill/detail/clock.hpp"

#include <asio/detached.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <utility>

namespace waybill {

namespace {

Error named(const std::string& part, const Error& error) {
  return Error(error.code(), part + ": " + std::string(error.message()), error.end());
}

std::chrono::milliseconds left_until(std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(left));
}

}  // namespace

Application::Core::Core(std::optional<asio::any_io_executor> executor, ApplicationConfig config,
                        std::shared_ptr<const Registry> registry)
    : config_(std::move(config)), registry_(std::move(registry)), log_(make_log(config_)) {
  detail::Mistakes mistakes;
  check_parts(config_, *registry_, mistakes);
  detail::throw_mistakes(mistakes);
  if (!executor) loop_ = std::make_unique<asio::io_context>(1);
  home_.emplace(loop_ ? asio::any_io_executor(loop_->get_executor()) : *executor);
  config_.validate().value();
  auto service = std::make_unique<Service>(home_->get(), config_, registry_);  // which checks the clients, too
  if (!config_.listeners.empty()) service_ = std::move(service);
  if (config_.http) {
    http_ = std::make_unique<http::Server>(home_->get(), *config_.http, log_);
    add_routes();
    if (config_.health.is_served) add_health_routes();
  }
  if (config_.metrics) add_metrics();
}

Service& Application::Core::service() {
  if (service_) return *service_;
  throw Error(errc::invalid_config,
              "the application has no listener: set `listeners:` in its configuration, or WAYBILL_LISTEN",
              End::rejected);
}

http::Server& Application::Core::http() {
  if (http_) return *http_;
  throw Error(errc::invalid_config,
              "the application serves no HTTP: set `http:` in its configuration, or ApplicationConfig::http",
              End::rejected);
}

void Application::Core::add_routes() {
  for (const RouteConfig& route : config_.routes) {
    const std::string& name = serializer_of(route.client);
    const Serializer& serializer =
        name.empty() ? registry_->default_serializer() : *registry_->serializer(name).value();
    RouteClient client_of{[this, called = route.client]() -> Client& { return client(called); },
                          config_.client(route.client).timeout, serializer};
    http::Route made{route.method, route.path, make_route_handler(route, std::move(client_of)), route.timeout, {}};
    made.described = [this, &route] { return describe_route(route); };
    http_->add(std::move(made));
  }
}

/// Its own, or that of the listener which it is for.
const std::string& Application::Core::serializer_of(std::string_view client) const {
  const ClientConfig& config = config_.client(client);
  if (!config.serializer.empty() || !config.url.is_self()) return config.serializer;
  const auto is_it = [&config](const ListenerConfig& listener) {
    return listener.name == config.url.hosts.front().name;
  };
  const auto listener = std::find_if(config_.listeners.begin(), config_.listeners.end(), is_it);
  return listener == config_.listeners.end() ? config.serializer : listener->serializer;
}

Client& Application::Core::client(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = clients_.find(name); found != clients_.end()) return *found->second;
  return make_client(name, config_.client(name, service_ ? service_->addresses() : std::vector<std::string>()));
}

Client& Application::Core::add_client(std::string_view name, const ClientConfig& config) {
  const std::lock_guard lock(mutex_);
  if (config_.clients.contains(name) || clients_.contains(name)) {
    throw Error(errc::invalid_config, "there is a client \"" + std::string(name) + "\" already", End::rejected);
  }
  return make_client(name, config);
}

/// REQUIRES: the lock.
Client& Application::Core::make_client(std::string_view name, const ClientConfig& config) {
  auto made = std::make_unique<Client>(home_->get(), config, registry_, is_own(name) ? log_of_own_clients() : log_);
  for (const auto& observer : observers_) made->observe(observer);
  return *clients_.emplace(name, std::move(made)).first->second;
}

bool Application::Core::is_own(std::string_view client) const {
  const auto known = config_.clients.find(client);
  return known != config_.clients.end() && known->second.url.is_self();
}

/// That they lose their listener when the application ends is no news.
Log Application::Core::log_of_own_clients() const {
  return log_.with_levels([weak = weak_from_this()](LogLevel level) {
    const auto self = weak.lock();
    const bool is_ending = !self || self->is_stopped_;
    return is_ending && level == LogLevel::warning ? LogLevel::debug : level;
  });
}

void Application::Core::observe(const std::shared_ptr<Observer>& observer) {
  if (is_started_) {
    throw Error(errc::invalid_config, "observe() must come before the application is started", End::rejected);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [name, client] : clients_) client->observe(observer);
  if (service_) service_->observe(observer);
  if (http_) http_->observe(observer);
  observers_.push_back(observer);
}

asio::awaitable<Result<void>> Application::Core::start() {
  if (std::exchange(is_started_, true)) {
    co_return Error(errc::invalid_config, "the application was started before", End::rejected);
  }
  if (!service_ && !http_) {
    co_return Error(errc::invalid_config,
                    "the application has neither a listener nor an HTTP server: set `listeners:` or `http:`",
                    End::rejected);
  }
  if (is_stopped_) co_return Error(errc::closed, "the application was stopped before it was ready", End::rejected);
  if (http_ && config_.http->openapi) http_->serve_descriptions(api_title(), api_version());
  Result<void> outcome;
  if (service_) {
    const auto started = co_await service_->start(detail::as_tuple(asio::use_awaitable));
    outcome = std::get<0>(started);
  }
  for (const auto& [name, ignored] : config_.clients) client(name).connect(asio::detached);
  if (outcome && http_) {
    const Result<void> listens = co_await http_->start();
    if (!listens) outcome = named("http", listens.error());
  }
  if (outcome && is_stopped_) {
    outcome = Error(errc::closed, "the application was stopped before it was ready", End::rejected);
  }
  if (outcome) {
    is_serving_ = true;
  } else {
    co_await drain(config_.drain_timeout);  // some parts may be serving already
  }
  co_return outcome;
}

asio::awaitable<ApplicationReport> Application::Core::drain(std::chrono::milliseconds limit) {
  const auto deadline = detail::deadline_after(std::chrono::steady_clock::now(), limit);
  is_stopped_ = true;
  is_serving_ = false;
  ApplicationReport report;
  // What comes to the listeners beside HTTP has its share, whatever HTTP needs.
  if (http_) report.requests_left = co_await http_->drain(std::max(std::chrono::milliseconds(1), limit / 4 * 3));
  if (service_) report.deliveries = co_await service_->drain(left_until(deadline));
  co_await flush_clients(deadline);
  close_clients();
  co_return report;
}

/// What was sent and nobody waits for is handed over before its client closes.
asio::awaitable<void> Application::Core::flush_clients(std::chrono::steady_clock::time_point deadline) {
  std::vector<Client*> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, client] : clients_) {
      if (client->status() == Status::ready || client->status() == Status::blocked) open.push_back(client.get());
    }
  }
  const auto missing = std::make_shared<std::size_t>(open.size());
  const auto flushed = std::make_shared<asio::steady_timer>(executor(), deadline);
  for (Client* client : open) {
    client->flush([missing, flushed](const Result<void>&) {
      if (--*missing == 0) flushed->cancel();
    });
  }
  if (*missing > 0) co_await detail::wait_quietly(*flushed);
}

void Application::Core::close_clients() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, client] : clients_) client->close();
}

void Application::Core::close() {
  is_stopped_ = true;
  is_serving_ = false;
  if (!home_->runs_here()) {
    // A host's loop may run on when the application is gone; its own does not, and must not keep it.
    if (owns_loop())
      return asio::post(executor(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->close();
      });
    return asio::post(executor(), [self = shared_from_this()] { self->close(); });
  }
  if (http_) http_->close();
  if (service_) service_->close();
  close_clients();
}

std::vector<std::string> Application::Core::addresses() const {
  std::vector<std::string> addresses = service_ ? service_->addresses() : std::vector<std::string>();
  if (http_) addresses.push_back(http_->address());
  return addresses;
}

std::vector<std::string> Application::Core::describe() const {
  std::vector<std::string> lines = service_ ? service_->describe() : std::vector<std::string>();
  if (lines.empty()) {  // not started
    if (!config_.notice.empty()) lines.push_back(config_.notice);
    for (const ListenerConfig& listener : config_.listeners) {
      lines.push_back("listener " + (listener.name.empty() ? "" : listener.name + ": ") + listener.url.redacted());
    }
  }
  if (http_) {
    std::vector<std::string> routes = http_->describe();
    for (const char* own : {"GET /openapi.json", "GET /docs"}) {  // which come with the start
      const bool is_missing = std::find(routes.begin(), routes.end(), own) == routes.end();
      if (config_.http->openapi && !is_started_ && is_missing) routes.emplace_back(own);
    }
    for (const std::string& route : routes) lines.push_back(http_->address() + ": " + route);
    lines.push_back(http_->address() + ": requests within " + duration_text(config_.http->timeout));
  }
  for (const auto& [name, client] : config_.clients) {
    lines.push_back("client " + name + ": " + client.url.redacted() + ", requests within " +
                    duration_text(client.timeout));
  }
  lines.push_back("at SIGTERM or SIGINT: drains within " + duration_text(config_.drain_timeout));
  return lines;
}

}  // namespace waybill
