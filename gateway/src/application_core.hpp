// What an Application is made of.
#pragma once

#include "waybill/application.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/serial_executor.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace waybill {

/// Threads: on executor(), but for what is said to be thread-safe.
class Application::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(std::optional<asio::any_io_executor> executor, ApplicationConfig config,
       std::shared_ptr<const Registry> registry);

  const ApplicationConfig& config() const noexcept { return config_; }
  const asio::any_io_executor& executor() const noexcept { return home_->get(); }
  const Log& log() const noexcept { return log_; }
  bool owns_loop() const noexcept { return loop_ != nullptr; }
  Service& service();
  http::Server& http();
  Client& client(std::string_view name);                                  ///< Thread-safe.
  Client& add_client(std::string_view name, const ClientConfig& config);  ///< Thread-safe.
  void observe(const std::shared_ptr<Observer>& observer);
  Health health() const;  ///< Thread-safe.
  std::vector<std::string> addresses() const;
  std::vector<std::string> describe() const;
  std::string open_api() const;
  ServiceDescription description() const;

  asio::awaitable<Result<void>> start();
  asio::awaitable<ApplicationReport> drain(std::chrono::milliseconds limit);
  void close();
  int run();
  void stop();  ///< Thread-safe.

 private:
  Client& make_client(std::string_view name, const ClientConfig& config);
  bool is_own(std::string_view client) const;
  Log log_of_own_clients() const;
  void add_routes();
  std::string api_title() const;
  std::string api_version() const;
  http::RouteDescription describe_route(const RouteConfig& route) const;
  const std::string& serializer_of(std::string_view client) const;
  void add_health_routes();
  void add_metrics();
  void close_clients();
  asio::awaitable<void> flush_clients(std::chrono::steady_clock::time_point deadline);
  asio::awaitable<void> serve(int& status);
  void watch(asio::signal_set& signals);

  ApplicationConfig config_;
  std::shared_ptr<const Registry> registry_;
  Log log_;
  std::unique_ptr<asio::io_context> loop_;  // null on a host's
  std::optional<detail::SerialExecutor> home_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<http::Server> http_;
  mutable std::mutex mutex_;  // of clients_ and observers_
  std::map<std::string, std::unique_ptr<Client>, std::less<>> clients_;
  std::vector<std::shared_ptr<Observer>> observers_;
  std::unique_ptr<asio::steady_timer> stop_;
  std::atomic<bool> is_serving_{false};  // HTTP, or all there is
  std::atomic<bool> is_stopped_{false};
  bool is_started_ = false;
  bool has_run_ = false;
  mutable std::optional<ServiceDescription> own_;  // for descriptions of routes
};

}  // namespace waybill
