#include "stream_pump.hpp"

#include "listener_host.hpp"

#include <asio/post.hpp>

namespace waybill::detail {

namespace {
constexpr std::chrono::milliseconds k_congestion_pause{2};
constexpr std::chrono::milliseconds k_caller_check{500};
constexpr int k_turn = 256;  // values in one turn of the loop: a stream that never waits leaves room for others
}  // namespace

StreamPump::StreamPump(std::unique_ptr<StreamSource> source, Exchange& exchange, const Log& log)
    : source_(std::move(source)),
      exchange_(exchange),
      log_(log),
      done_(std::make_shared<Done>(exchange.executor())),
      watch_(exchange.executor()) {}

asio::awaitable<Result<void>> StreamPump::run(std::shared_ptr<StreamPump> self) {
  self->pump();
  std::optional<Result<void>> outcome = co_await Done::wait(self->done_);
  self->finish(Result<void>{});  // cancelled: nothing is sent any more
  if (!outcome) co_return Error(errc::cancelled, "the stream was cancelled", End::unknown);
  co_return *std::move(outcome);
}

void StreamPump::pump() {
  int left = k_turn;
  while (!finished_) {
    if (left-- == 0) {
      asio::post(exchange_.executor(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->pump();
      });
      return;
    }
    if (!exchange_.is_connected()) return finish(Result<void>{});
    if (exchange_.is_congested()) {
      watch_.expires_after(k_congestion_pause);
      watch_.async_wait([weak = weak_from_this()](std::error_code ec) {
        if (ec) return;
        if (const auto self = weak.lock()) self->pump();
      });
      return;
    }
    const auto on_progress = [](void* who, StreamSource::Step step) {
      const std::shared_ptr<StreamPump> self = static_cast<StreamPump*>(who)->shared_from_this();
      self->waiting_ = false;
      self->watch_.cancel();
      if (self->take(step)) self->pump();
    };
    if (!take(source_->advance(exchange_.executor(), on_progress, this))) return;
  }
}

/// True if there is more to do now.
bool StreamPump::take(StreamSource::Step step) {
  try {
    switch (step) {
      case StreamSource::Step::value:
        if (has_held_) send_held(false);
        held_.clear();
        encode_result(*exchange_.packet().serializer, source_->value(), held_);
        has_held_ = true;
        return true;
      case StreamSource::Step::waiting:
        if (has_held_) send_held(false);
        waiting_ = true;
        watch();
        return false;
      case StreamSource::Step::end: break;
    }
    if (const std::exception_ptr exception = source_->take_exception()) {
      if (has_held_) send_held(false);
      finish(error_from_handler(exception, exchange_.packet(), log_));
      return false;
    }
    if (has_held_)
      send_held(true);
    else
      exchange_.reply_end();
    finish(Result<void>{});
  } catch (...) {
    finish(error_from_handler(std::current_exception(), exchange_.packet(), log_));
  }
  return false;
}

void StreamPump::send_held(bool last) {
  has_held_ = false;
  exchange_.reply_encoded(held_.borrow(), last);
}

/// While the stream waits for something, its caller may go away without anybody noticing.
void StreamPump::watch() {
  watch_.expires_after(k_caller_check);
  watch_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self || !self->waiting_) return;
    if (!self->exchange_.is_connected()) return self->finish(Result<void>{});
    self->watch();
  });
}

void StreamPump::finish(Result<void> outcome) {
  if (std::exchange(finished_, true)) return;
  waiting_ = false;
  watch_.cancel();
  source_.reset();
  done_->set(std::move(outcome));
}

}  // namespace waybill::detail
