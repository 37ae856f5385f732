#include "queue_depth.hpp"

#include <chrono>
#include <utility>

namespace waybill::amqp {
namespace {
constexpr std::chrono::seconds k_between_questions{1};
}  // namespace

void QueueDepth::start(Session& session, ChannelId channel, std::string queue) {
  if (!tell_) return;
  session_ = &session;
  channel_ = channel;
  queue_ = std::move(queue);
  ask();
}

void QueueDepth::stop() {
  session_ = nullptr;
  timer_.cancel();
}

void QueueDepth::ask() {
  if (!session_->is_channel_open(channel_)) session_->open_channel(channel_, {});
  amqp_queue_declare_t declare{};
  declare.queue = to_bytes(queue_);
  declare.passive = 1;
  session_->call(channel_, AMQP_QUEUE_DECLARE_METHOD, &declare, {AMQP_QUEUE_DECLARE_OK_METHOD, 0},
                 "looking for the queue " + queue_, [weak = weak_from_this()](const Result<Method>& answer) {
                   const auto self = weak.lock();
                   if (self && self->session_) self->answered(answer);
                 });
}

void QueueDepth::answered(const Result<Method>& answer) {
  if (answer) {
    tell_("lag", static_cast<double>(answer->as<amqp_queue_declare_ok_t>().message_count));
  } else if (answer.error().code() == errc::unauthorized) {
    log_.warning("amqp: how many messages wait is not known: " + std::string(answer.error().message()));
    return stop();
  }  // else the queue is gone or being made again, which the listener knows by its consumer
  timer_.expires_after(k_between_questions);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self && self->session_) self->ask();
  });
}

}  // namespace waybill::amqp
