// ListenerLink: while deliveries that only wait (for their next attempt, to be parked, because they were left) fill the window of
// the consumer, messages are fetched one by one in their place. A second consumer would do as well, but not its end: a
// quorum queue takes what was on its way to it as a failed attempt.
#include "listener_link.hpp"

#include <asio/post.hpp>

namespace waybill::amqp {
namespace {

constexpr std::size_t k_most_questions = 16;  // at once

}  // namespace

void ListenerLink::delivery_waits(bool on) noexcept {
  waiting_ = on ? waiting_ + 1 : waiting_ - 1;
  fetch_soon();
}

/// What is fetched runs in the place of what waits. Acknowledged now, that place would be given to one more: never more
/// than the prefetch run at the same time.
bool ListenerLink::may_flush() const noexcept {
  const std::size_t fetched = window_.outstanding_fetched() + fetching_;
  return fetched == 0 || running() + fetching_ <= window_.taken_after_flush() || is_stopped_;
}

bool ListenerLink::wants_to_fetch() const noexcept {
  const std::size_t taken = window_.taken_after_flush();
  const std::size_t busy = running() + fetching_;
  return taken > busy + prefetch_ / 2u && window_.outstanding() + fetching_ < environment_.max_in_flight;
}

void ListenerLink::fetch_soon() {
  if (fetch_is_posted_ || options_.at_most_once) return;
  fetch_is_posted_ = true;
  asio::post(environment_.executor, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->fetch_is_posted_ = false;
    self->flush_acks();
    self->fetch();
  });
}

void ListenerLink::fetch() {
  if (!kept_->may_fetch || !is_ready_ || !link_ || is_stopped_ || is_reopening_ || is_held_ || fetch_pauses_) return;
  while (fetching_ < k_most_questions && wants_to_fetch()) fetch_one();
}

void ListenerLink::fetch_one() {
  ++fetching_;
  amqp_basic_get_t get{};
  get.queue = to_bytes(queue_);
  link_->session().call(k_work, AMQP_BASIC_GET_METHOD, &get, {AMQP_BASIC_GET_OK_METHOD, AMQP_BASIC_GET_EMPTY_METHOD},
                        "fetching a message from the queue " + queue_,
                        [this](const Result<Method>& answer) { fetched(answer); });
}

void ListenerLink::fetched(const Result<Method>& answer) {
  --fetching_;
  if (!answer) {  // the link is lost
    if (answer.error().code() == errc::refused && std::exchange(kept_->may_fetch, false))
      environment_.log.warning("amqp: while messages of the queue " + queue_ +
                               " wait, others cannot be fetched: " + std::string(answer.error().message()));
    return;
  }
  fetch_soon();
  if (answer->id == AMQP_BASIC_GET_OK_METHOD) return fetch_pause_.reset();
  if (std::exchange(fetch_pauses_, true)) return;
  fetch_timer_.expires_after(fetch_pause_.next_whole(0));
  fetch_timer_.async_wait([weak = weak_from_this()](const asio::error_code& ec) {
    const auto self = weak.lock();
    if (!self) return;
    self->fetch_pauses_ = false;
    if (!ec) self->fetch();
  });
}

}  // namespace waybill::amqp
