#include "waybill/application.hpp"

#include "application_core.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>

#include <algorithm>

namespace waybill {

bool Health::is_ready() const noexcept {
  return std::all_of(parts.begin(), parts.end(), [](const Part& part) { return part.is_ready; });
}

namespace {

/// What left a coroutine of ours.
Error error_of(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& other) {
    return Error(errc::internal, other.what(), End::unknown);
  }
}

template <class T, class Done>
void spawn(std::shared_ptr<void> core, const asio::any_io_executor& executor, asio::awaitable<T> work, Done done,
           std::shared_ptr<asio::cancellation_signal> cancel) {
  const asio::cancellation_slot slot = cancel ? cancel->slot() : asio::cancellation_slot();
  asio::co_spawn(executor, std::move(work),
                 asio::bind_cancellation_slot(slot, [core = std::move(core), done = std::move(done), cancel](
                                                        std::exception_ptr thrown, T outcome) mutable {
                   if (thrown) return done(error_of(thrown));
                   done(std::move(outcome));
                 }));
}

}  // namespace

Application::Application(ApplicationConfig config, std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::nullopt, std::move(config), std::move(registry))) {}

Application::Application(asio::any_io_executor executor, ApplicationConfig config,
                         std::shared_ptr<const Registry> registry)
    : core_(std::make_shared<Core>(std::move(executor), std::move(config), std::move(registry))) {}

Application::~Application() { core_->close(); }

Service& Application::service() { return core_->service(); }
http::Server& Application::http() { return core_->http(); }
Client& Application::client(std::string_view name) { return core_->client(name); }
Client& Application::add_client(std::string_view name, const ClientConfig& config) {
  return core_->add_client(name, config);
}
Application& Application::observe(const std::shared_ptr<Observer>& observer) {
  core_->observe(observer);
  return *this;
}
const ApplicationConfig& Application::config() const noexcept { return core_->config(); }
int Application::run() { return core_->run(); }
void Application::stop() { core_->stop(); }
void Application::close() { core_->close(); }
Health Application::health() const { return core_->health(); }
std::vector<std::string> Application::addresses() const { return core_->addresses(); }
std::string Application::open_api() const { return core_->open_api(); }
ServiceDescription Application::description() const { return core_->description(); }
std::vector<std::string> Application::describe() const { return core_->describe(); }
const asio::any_io_executor& Application::executor() const noexcept { return core_->executor(); }

void Application::start_then(Done<void> done, std::shared_ptr<asio::cancellation_signal> cancel) {
  if (core_->owns_loop()) {
    throw Error(errc::invalid_config,
                "start() belongs to an application on a host's executor: with a loop of its own call run()",
                End::rejected);
  }
  spawn(core_, executor(), core_->start(), std::move(done), std::move(cancel));
}

void Application::drain_then(std::chrono::milliseconds limit, Done<ApplicationReport> done,
                             std::shared_ptr<asio::cancellation_signal> cancel) {
  spawn(core_, executor(), core_->drain(limit), std::move(done), std::move(cancel));
}

}  // namespace waybill
