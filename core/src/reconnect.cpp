#include "reconnect.hpp"

#include "random_bits.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

namespace waybill::detail {

bool is_fatal(const Error& error) noexcept {
  return error.code() == errc::unauthorized || error.code() == errc::invalid_config ||
         error.code() == errc::unsupported || error.code() == errc::closed;
}

Reconnect::Reconnect(asio::any_io_executor executor, std::shared_ptr<Host> host)
    : host_(host), wake_(std::move(executor)) {}

asio::awaitable<Result<void>> Reconnect::try_once() {
  const std::shared_ptr<Host> host = host_.lock();
  if (!host || stopped_) co_return Error(errc::closed, "closed while connecting", End::rejected);
  lost_ = false;
  Result<void> opened = co_await host->open_link();
  if (opened && !stopped_) {
    backoff_.reset();
    host->on_link_ready();
  }
  co_return opened;
}

asio::awaitable<Result<void>> Reconnect::start(Startup startup) {
  const std::shared_ptr<Reconnect> self = shared_from_this();
  running_ = true;
  const TimePoint give_up = std::chrono::steady_clock::now() + startup.limit;
  while (true) {
    Result<void> opened = co_await try_once();
    if (stopped_) co_return Error(errc::closed, "closed while connecting", End::rejected);
    if (opened) {
      asio::co_spawn(wake_.get_executor(), keep_open(self, true, {}), asio::detached);
      co_return opened;
    }
    const std::chrono::milliseconds pause = backoff_.next(random_bits());
    const bool waits = startup.mode == Startup::Mode::wait && std::chrono::steady_clock::now() + pause < give_up;
    if (is_fatal(opened.error()) || (!waits && startup.mode != Startup::Mode::background)) {
      running_ = false;
      co_return opened;
    }
    if (const auto host = host_.lock()) host->on_link_failed(opened.error(), pause);
    if (startup.mode == Startup::Mode::background) {
      asio::co_spawn(wake_.get_executor(), keep_open(self, false, {}), asio::detached);
      co_return Result<void>{};
    }
    wake_.expires_after(pause);
    co_await wait_quietly(wake_);
  }
}

void Reconnect::start_in_background(std::chrono::milliseconds pause) {
  if (running_ || stopped_) return;
  running_ = true;
  asio::co_spawn(wake_.get_executor(), keep_open(shared_from_this(), false, pause), asio::detached);
}

asio::awaitable<void> Reconnect::keep_open([[maybe_unused]] std::shared_ptr<Reconnect> self, bool is_open,
                                           std::chrono::milliseconds pause) {
  while (!stopped_) {
    if (is_open) {
      if (!lost_) {
        wake_.expires_at(TimePoint::max());
        co_await wait_quietly(wake_);
        continue;
      }
      is_open = false;
      pause = backoff_.next(random_bits());
    }
    if (pause.count() > 0) {
      wake_.expires_after(pause);
      co_await wait_quietly(wake_);
      if (stopped_) break;
    }
    Result<void> opened = co_await try_once();
    if (stopped_) break;
    if (opened) {
      is_open = true;
      continue;
    }
    const bool fatal = is_fatal(opened.error());
    if (fatal) running_ = false;
    if (const auto host = host_.lock()) {
      const std::optional<std::chrono::milliseconds> again(std::chrono::milliseconds{0});
      host->on_link_failed(opened.error(), fatal ? std::nullopt : again);
    }
    if (fatal) co_return;
    pause = backoff_.next(random_bits());
  }
  running_ = false;
}

void Reconnect::lost() {
  lost_ = true;
  wake_.cancel();
}

void Reconnect::stop() {
  stopped_ = true;
  wake_.cancel();
}

}  // namespace waybill::detail
