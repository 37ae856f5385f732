#include "service/stream_run.hpp"

#include "service/listener_host.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/transport/refusal_texts.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

namespace waybill::detail {

namespace {
constexpr std::chrono::milliseconds k_congestion_pause{2};
constexpr std::chrono::milliseconds k_caller_check{500};
constexpr unsigned k_turn = 256;  // steps in one turn of the loop: a stream that never waits leaves room for others
}  // namespace

StreamRun::StreamRun(Exchange& exchange, StreamRoutine stream)
    : exchange_(exchange), stream_(std::move(stream)), watch_(exchange.executor()) {}

asio::awaitable<void> StreamRun::run(std::shared_ptr<StreamRun> self) {
  // Before this frame's callers go, to whose locals the stream refers: also when the loop is destroyed meanwhile.
  struct Destroy {
    explicit Destroy(StreamRoutine& its) noexcept : stream(its) {}
    Destroy(const Destroy&) = delete;
    Destroy& operator=(const Destroy&) = delete;
    ~Destroy() { stream.destroy(); }
    StreamRoutine& stream;
  };
  const Destroy destroy(self->stream_);
  self->pump();
  if (self->state_ != State::ended) co_await self->go_on_until_stopped();
}

/// Runs the stream until it has to wait. Throws what leaves it, and what its values cannot be encoded for.
void StreamRun::pump() {
  state_ = State::ready;
  while (state_ == State::ready) {
    if (!exchange_.is_caller_connected()) {
      state_ = State::ended;
    } else if (must_end()) {
      end_early();
    } else if (exchange_.is_congested()) {
      state_ = State::held_up;
    } else if (++steps_ % k_turn == 0) {
      state_ = State::yielding;
    } else {
      take(stream_.resume());
    }
  }
}

void StreamRun::take(StreamRoutine::Step step) {
  const bool is_last = step == StreamRoutine::Step::end && !stream_.promise().exception;
  const bool had_held = has_held_;
  if (had_held) send_held(is_last);
  switch (step) {
    case StreamRoutine::Step::value:
      held_.clear();
      encode_result(*exchange_.packet().serializer, stream_.promise().yielded, held_);
      has_held_ = true;
      return;
    case StreamRoutine::Step::awaiting: state_ = State::awaiting; return;
    case StreamRoutine::Step::end: break;
  }
  state_ = State::ended;
  if (!is_last) std::rethrow_exception(stream_.promise().exception);
  if (!had_held) exchange_.reply_end();
}

void StreamRun::send_held(bool last) {
  has_held_ = false;
  exchange_.reply_encoded(held_.borrow(), last);
}

/// go_on(), with a signal that its caller's going away and whoever cancels this can give.
asio::awaitable<void> StreamRun::go_on_until_stopped() {
  watch_caller();
  auto initiate = [this](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([weak = weak_from_this()](asio::cancellation_type type) {
        if (const auto self = weak.lock()) self->stop_.emit(type);
      });
    }
    asio::co_spawn(exchange_.executor(), go_on(), asio::bind_cancellation_slot(stop_.slot(), std::move(handler)));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(initiate, asio::use_awaitable);
}

asio::awaitable<void> StreamRun::go_on() {
  Timer pause(exchange_.executor());
  while (state_ != State::ended) {
    switch (state_) {
      case State::awaiting: co_await std::move(*stream_.promise().awaited); break;
      case State::held_up:
        pause.expires_after(k_congestion_pause);
        co_await wait_quietly(pause);
        break;
      case State::yielding: co_await asio::post(exchange_.executor(), asio::use_awaitable); break;
      case State::ready:
      case State::ended: break;
    }
    if (is_caller_gone_) co_return;
    if (must_end()) end_early();
    const asio::cancellation_state stopped = co_await asio::this_coro::cancellation_state;
    if (stopped.cancelled() != asio::cancellation_type::none) {
      throw Error(errc::cancelled, "the stream was cancelled", End::unknown);
    }
    pump();
  }
}

bool StreamRun::must_end() const noexcept { return exchange_.wants_reply() && exchange_.host().streams_end(); }

void StreamRun::end_early() {
  if (has_held_) send_held(false);
  exchange_.host().stream_ended();
  throw Error("closed", std::string(transport::k_leaving_text));
}

/// While the stream waits for something, its caller may go away without anybody noticing.
void StreamRun::watch_caller() {
  watch_.expires_after(k_caller_check);
  watch_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    const bool is_connected = self->exchange_.is_caller_connected();
    if (is_connected && !self->must_end()) return self->watch_caller();
    self->is_caller_gone_ = !is_connected;
    self->stop_.emit(asio::cancellation_type::all);
  });
}

}  // namespace waybill::detail
