// An application on a loop of its own: run(), and how it is told to end.
#include "application_core.hpp"
#include "waybill/url.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <csignal>
#include <utility>

namespace waybill {

int Application::Core::run() {
  if (!owns_loop()) {
    throw Error(errc::invalid_config,
                "run() belongs to an application with a loop of its own: on a host's executor call start()",
                End::rejected);
  }
  if (std::exchange(has_run_, true)) {
    throw Error(errc::invalid_config, "run() was called before: an application runs once", End::rejected);
  }
  int status = 0;
  asio::signal_set signals(*loop_, SIGINT, SIGTERM);
  stop_ = std::make_unique<asio::steady_timer>(*loop_, asio::steady_timer::time_point::max());
  watch(signals);
  asio::co_spawn(*loop_, serve(status), [this, &signals](std::exception_ptr thrown) {
    signals.cancel();
    loop_->stop();
    if (thrown) std::rethrow_exception(thrown);
  });
  loop_->run();
  return status;
}

asio::awaitable<void> Application::Core::serve(int& status) {
  const Result<void> started = co_await start();
  if (!started) {
    if (started.error().code() == errc::closed && is_stopped_) co_return;
    log_.error(std::string("cannot start: ") + started.error().what());
    status = started.error().code() == errc::invalid_config ? 2 : 1;
    co_return;
  }
  for (const std::string& line : describe()) log_.info(line);
  if (!is_stopped_) co_await detail::wait_quietly(*stop_);
  log_.info("told to stop: drains within " + duration_text(config_.drain_timeout));
  const ApplicationReport report = co_await drain(config_.drain_timeout);
  log_.info("drained: " + std::to_string(report.requests_left) + " HTTP requests left, " +
            std::to_string(report.deliveries.finished) + " deliveries finished, " +
            std::to_string(report.deliveries.ended) + " streams ended, " +
            std::to_string(report.deliveries.given_back) + " given back, " +
            std::to_string(report.deliveries.abandoned) + " abandoned");
}

/// The first signal drains; one while that goes on closes; a further one is the system's.
void Application::Core::watch(asio::signal_set& signals) {
  signals.async_wait([this, &signals](std::error_code ec, int) {
    if (ec) return;
    if (!is_stopped_) {
      stop();
      return watch(signals);
    }
    log_.warning("told to stop again: closing now");
    signals.clear();
    close();
    loop_->stop();
  });
}

void Application::Core::stop() {
  is_stopped_ = true;
  asio::post(executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->service_) self->service_->stop();  // ends a start that waits for its broker
    if (self->stop_) self->stop_->cancel();
  });
}

}  // namespace waybill
