// What a Service is made of: the loops, if they are its own, and one host for each listener on each loop.
#pragma once

#include "service/listener_host.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/serial_executor.hpp"
#include "waybill/service.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace waybill {

/// Of `log: NAME`.
LogLevel level_of(std::string_view name);

/// Threads: on executor(), but for what is said to be thread-safe.
class Service::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(std::optional<asio::any_io_executor> executor, Config config, std::shared_ptr<const Registry> registry);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  /// Waits for the handlers that run on the pool at this moment, and for no others.
  ~Core();

  detail::ServiceParts& parts() noexcept { return *parts_; }
  const Config& config() const noexcept { return config_; }
  const asio::any_io_executor& executor() const noexcept { return home_->get(); }
  bool owns_loops() const noexcept { return !loops_.empty(); }
  /// Thread-safe. Empty before the start.
  const std::vector<std::shared_ptr<detail::ListenerHost>>& hosts() const noexcept;

  ServiceStats stats() const;                    ///< Thread-safe.
  std::vector<ListenerState> listeners() const;  ///< Thread-safe.

  /// Throws Error(invalid_config) once the service was started.
  void require_not_started(std::string_view what) const;

  asio::awaitable<Result<void>> start();
  /// Throws Error(cancelled); the hosts go on draining then.
  asio::awaitable<DrainReport> drain(std::chrono::milliseconds limit);
  void close();
  int run();
  void stop();  ///< Thread-safe.

 private:
  using Up = detail::Arrival<Result<void>>;
  void make_hosts();
  /// Handlers and an observer for those who ask what the service is and does.
  void add_introspection();
  void warn() const;
  asio::io_context& loop() noexcept { return *loops_.front(); }
  asio::awaitable<void> serve(int& status);
  void watch(asio::signal_set& signals);
  void run_loop(std::size_t index, std::exception_ptr& thrown);
  void stop_loops();

  Config config_;
  std::shared_ptr<detail::ServiceParts> parts_;
  /// The first is the service's own, and goes last: what still waits in the others may refer to it.
  struct Loops : std::vector<std::unique_ptr<asio::io_context>> {
    ~Loops() {
      while (!empty()) pop_back();
    }
  };
  Loops loops_;
  std::optional<detail::SerialExecutor> home_;
  std::vector<std::shared_ptr<Transport>> transports_;
  std::vector<const Serializer*> serializers_;
  std::vector<std::vector<Middleware>> configured_;  // of each listener, those of all listeners first
  std::vector<std::shared_ptr<detail::ListenerHost>> hosts_;
  std::atomic<bool> has_hosts_{false};
  std::shared_ptr<Up> up_;  // once the start has begun
  std::unique_ptr<asio::steady_timer> stop_;
  bool is_started_ = false;
  bool is_stopped_ = false;  // or drained: a start that is under way ends
  bool has_run_ = false;
};

}  // namespace waybill
