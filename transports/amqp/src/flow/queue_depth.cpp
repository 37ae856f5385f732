#include "flow/queue_depth.hpp"

#include <utility>

namespace waybill::amqp {

void QueueDepth::start(Session& session, ChannelId channel, std::string queue, std::chrono::seconds every) {
  session_ = &session;
  channel_ = channel;
  queue_ = std::move(queue);
  every_ = every;
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
  const auto self = shared_from_this();
  if (answer) {
    host_.on_depth(answer->as<amqp_queue_declare_ok_t>().message_count);
    if (!session_) return;
  } else if (answer.error().code() == errc::unauthorized) {
    log_.warning("amqp: how many messages wait is not known: " + std::string(answer.error().message()));
    return stop();
  }  // else the queue is gone or being made again, which the listener knows by its consumer
  timer_.expires_after(every_);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto here = weak.lock();
    if (!ec && here && here->session_) here->ask();
  });
}

}  // namespace waybill::amqp
