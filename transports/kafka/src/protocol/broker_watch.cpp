#include "protocol/broker_watch.hpp"

#include <utility>

namespace waybill::kafka {
namespace {

constexpr int k_most_unanswered = 2;
constexpr std::chrono::milliseconds k_between_looks{500};

}  // namespace

void BrokerWatch::start() {
  if (interval_.count() > 0 && !is_asking_ && !is_down_) ask_after(interval_);
}

void BrokerWatch::note_lost(std::string_view reason) {
  if (is_closed_ || is_down_) return;
  const auto self = shared_from_this();
  down(std::string(reason));
  if (!is_closed_ && !is_asking_) ask();
}

void BrokerWatch::down(const std::string& reason) {
  is_down_ = true;
  tell_(reason);
}

void BrokerWatch::ask_after(std::chrono::milliseconds pause) {
  timer_.expires_after(pause);
  timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self && !self->is_closed_ && !self->is_asking_) self->ask();
  });
}

void BrokerWatch::ask() {
  is_asking_ = true;
  admin_.ping(timeout_, [weak = weak_from_this()](const Result<void>& outcome) {
    const auto self = weak.lock();
    if (self && !self->is_closed_) self->answered(outcome);
  });
}

void BrokerWatch::answered(const Result<void>& outcome) {
  is_asking_ = false;
  const auto self = shared_from_this();
  if (outcome) {
    unanswered_ = 0;
    if (std::exchange(is_down_, false)) tell_({});
  } else if (++unanswered_ >= k_most_unanswered && !is_down_) {
    down("no Kafka broker answers: " + std::string(outcome.error().what()));
  }
  if (is_closed_) return;
  if (!outcome) return ask_after(k_between_looks);
  start();
}

void BrokerWatch::close() {
  is_closed_ = true;
  timer_.cancel();
}

}  // namespace waybill::kafka
