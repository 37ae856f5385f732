// A service on loops of its own: run().
#include "service/service_core.hpp"

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>

#include <csignal>
#include <string>
#include <thread>
#include <utility>

namespace waybill {

int Service::Core::run() {
  if (!owns_loops()) {
    throw Error(errc::invalid_config,
                "run() belongs to a service with a loop of its own: on a host's executor call start()", End::rejected);
  }
  if (std::exchange(has_run_, true)) {
    throw Error(errc::invalid_config, "run() was called before: a service runs once", End::rejected);
  }
  int status = 0;
  asio::signal_set signals(loop(), SIGINT, SIGTERM);
  stop_ = std::make_unique<asio::steady_timer>(loop(), asio::steady_timer::time_point::max());
  watch(signals);
  asio::co_spawn(loop(), serve(status), [this, &signals](std::exception_ptr thrown) {
    signals.cancel();
    stop_loops();
    if (thrown) std::rethrow_exception(thrown);
  });

  // The other loops begin to run at once and wait for their listeners.
  std::vector<std::exception_ptr> thrown(loops_.size());
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> busy;
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < loops_.size(); ++i) {
    busy.push_back(asio::make_work_guard(*loops_[i]));
    threads.emplace_back([this, i, &thrown] { run_loop(i, thrown[i]); });
  }
  run_loop(0, thrown[0]);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& one : thrown) {
    if (one) std::rethrow_exception(one);
  }
  return status;
}

asio::awaitable<void> Service::Core::serve(int& status) {
  const Result<void> started = co_await start();
  if (!started && is_stopped_) co_return;
  if (!started) {
    parts_->log.error(std::string("cannot start: ") + started.error().what());
    status = 1;
    co_return;
  }
  for (const auto& host : hosts_) parts_->log.info(host->describe());
  if (!is_stopped_) co_await detail::wait_quietly(*stop_);
  const DrainReport drained = co_await drain(config_.drain_timeout);
  parts_->log.info("drained: " + std::to_string(drained.finished) + " finished, " + std::to_string(drained.ended) +
                   " streams ended, " + std::to_string(drained.given_back) + " given back, " +
                   std::to_string(drained.abandoned) + " abandoned");
}

/// The first signal drains; one while that goes on closes; a further one is the system's.
void Service::Core::watch(asio::signal_set& signals) {
  signals.async_wait([this, &signals](std::error_code ec, int) {
    if (ec) return;
    if (!std::exchange(is_stopped_, true)) {
      stop();
      return watch(signals);
    }
    parts_->log.warning("told to stop again: closing now");
    signals.clear();
    close();
  });
}

/// What leaves one loop ends all, and leaves run().
void Service::Core::run_loop(std::size_t index, std::exception_ptr& thrown) {
  try {
    loops_[index]->run();
  } catch (...) {
    thrown = std::current_exception();
    stop_loops();
  }
}

void Service::Core::stop_loops() {
  for (const auto& one : loops_) one->stop();
}

}  // namespace waybill
