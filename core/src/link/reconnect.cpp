#include "link/reconnect.hpp"

#include "random_bits.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>

#include <algorithm>

namespace waybill::detail {

namespace {

Error closed_while_connecting() { return Error(errc::closed, "closed while connecting", End::rejected); }

}  // namespace

bool is_fatal(const Error& error) noexcept {
  return error.code() == errc::unauthorized || error.code() == errc::invalid_config ||
         error.code() == errc::unsupported || error.code() == errc::closed;
}

void throw_from_loop(const asio::any_io_executor& executor, std::exception_ptr thrown) {
  asio::post(executor, [thrown = std::move(thrown)] { std::rethrow_exception(thrown); });
}

Reconnect::Reconnect(asio::any_io_executor executor, std::shared_ptr<Host> host)
    : host_(host),
      wake_(std::move(executor)),
      loss_(errc::connection_lost, "the connection was lost while it was being opened", End::rejected) {}

template <class Tell>
void Reconnect::tell(Tell tell) {
  const std::shared_ptr<Host> host = host_.lock();
  if (!host) return;
  try {
    tell(*host);
  } catch (...) {
    throw_from_loop(wake_.get_executor(), std::current_exception());
  }
}

asio::awaitable<Result<void>> Reconnect::try_once() {
  const std::shared_ptr<Host> host = host_.lock();
  if (!host || stopped_) co_return closed_while_connecting();
  life_.begin();
  Result<void> opened;
  try {
    opened = co_await host->open_link();
  } catch (const std::exception& thrown) {
    opened = Error(errc::refused, std::string("opening the link threw: ") + thrown.what(), End::rejected);
  }
  if (stopped_) {
    life_.failed();
    co_return closed_while_connecting();
  }
  if (!opened) {
    life_.failed();
    co_return opened;
  }
  if (!life_.opened(wake_.now())) co_return loss_;
  tell([](Host& ready) { ready.on_link_ready(); });
  co_return opened;
}

asio::awaitable<Result<void>> Reconnect::start(Startup startup) {
  const std::shared_ptr<Reconnect> self = shared_from_this();
  running_ = true;
  const TimePoint began = wake_.now();
  while (true) {
    Result<void> opened = co_await try_once();
    if (stopped_) co_return closed_while_connecting();
    if (opened) {
      begin_keeping_open();
      co_return opened;
    }
    const std::chrono::milliseconds pause = life_.pause(random_bits());
    const bool is_taken = opened.error().code() == std::errc::address_in_use;
    const TimePoint give_up =
        deadline_after(began, is_taken ? std::min(startup.taken_limit, startup.limit) : startup.limit);
    const bool waits = startup.mode == Startup::Mode::wait && wake_.now() + pause < give_up;
    if (is_fatal(opened.error()) || (!waits && startup.mode != Startup::Mode::background)) {
      running_ = false;
      co_return opened;
    }
    tell([&](Host& host) { host.on_link_failed(opened.error(), pause); });
    if (startup.mode == Startup::Mode::background) {
      first_attempt_ = wake_.now() + pause;
      begin_keeping_open();
      co_return Result<void>{};
    }
    if (!co_await wait(pause)) co_return closed_while_connecting();
  }
}

void Reconnect::start_in_background(std::chrono::milliseconds pause) {
  if (stopped_) return;
  const TimePoint begin = deadline_after(wake_.now(), pause);
  if (running_) {
    if (begin >= first_attempt_) return;
    first_attempt_ = begin;
    wake_.cancel();
    return;
  }
  running_ = true;
  first_attempt_ = begin;
  begin_keeping_open();
}

void Reconnect::begin_keeping_open() {
  asio::co_spawn(wake_.get_executor(), keep_open(shared_from_this()), asio::detached);
}

asio::awaitable<bool> Reconnect::wait(std::chrono::milliseconds pause) {
  wake_.expires_after(pause);
  co_await wait_quietly(wake_);
  co_return !stopped_;
}

asio::awaitable<void> Reconnect::wait_for_loss() {
  while (life_.state() == LinkLife::State::open && !stopped_) {
    wake_.expires_at(TimePoint::max());
    co_await wait_quietly(wake_);
  }
}

asio::awaitable<void> Reconnect::keep_open([[maybe_unused]] std::shared_ptr<Reconnect> self) {
  while (!stopped_ && first_attempt_ > wake_.now()) {
    wake_.expires_at(first_attempt_);
    co_await wait_quietly(wake_);
  }
  first_attempt_ = {};
  bool is_first = life_.state() != LinkLife::State::open;
  while (!stopped_) {
    co_await wait_for_loss();
    if (stopped_) co_return;
    if (!std::exchange(is_first, false)) {
      if (!co_await wait(life_.pause(random_bits()))) co_return;
    }
    const Result<void> opened = co_await try_once();
    if (stopped_) co_return;
    if (opened) continue;
    const bool fatal = is_fatal(opened.error());
    if (fatal) running_ = false;  // before its host is told, which may start it again
    const std::optional<std::chrono::milliseconds> again(std::chrono::milliseconds{0});
    tell([&](Host& host) { host.on_link_failed(opened.error(), fatal ? std::nullopt : again); });
    if (fatal) co_return;
  }
}

void Reconnect::lost(const Error& error) {
  loss_ = error;
  if (!life_.lost(wake_.now())) return;
  wake_.cancel();
  tell([&](Host& host) { host.on_link_lost(error); });
}

void Reconnect::stop() {
  stopped_ = true;
  wake_.cancel();
}

}  // namespace waybill::detail
