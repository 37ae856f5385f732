#include "flow/callers.hpp"

namespace waybill::amqp {
namespace {

constexpr std::string_view k_direct = "amq.rabbitmq.reply-to.";  // before the token of a direct reply address

}  // namespace

Callers::Callers(CallerHost& host, const asio::any_io_executor& executor, std::chrono::milliseconds interval)
    : host_(host), timer_(executor), interval_(interval), nobody_(host, *this, std::string()) {}

void Caller::reply(const Delivery& delivery, const Packet& packet) {
  host_.reply(delivery, packet);
  if (packet.kind == PacketKind::value && !packet.last) all_.sent_value(*this);
}

void Callers::sent_value(Caller& caller) {
  if (!session_ || caller.address().empty()) return;
  if (++caller.values >= k_values_a_question) ask(caller);
}

void Callers::ask(Caller& caller) {
  if (caller.is_asked_for || caller.is_gone()) return;
  caller.is_asked_for = true;
  questions_.push_back(caller.address());
  if (!is_asking_) ask_next();
}

Caller& Callers::of(std::string_view reply_to) {
  if (reply_to.empty()) return nobody_;
  if (last_ && last_->address() == reply_to) return *last_;
  const auto known = callers_.find(reply_to);
  if (known != callers_.end()) return *(last_ = known->second.get());
  if (callers_.size() >= k_most_idle) drop_idle();
  auto caller = std::make_unique<Caller>(host_, *this, std::string(reply_to));
  last_ = caller.get();
  const std::string_view key = last_->address();
  callers_.emplace(key, std::move(caller));
  arm();
  return *last_;
}

void Callers::stop() noexcept {
  session_ = nullptr;
  questions_.clear();
  timer_.cancel();
}

void Callers::arm() {
  if (is_armed_ || !interval_.count() || !session_) return;
  is_armed_ = true;
  timer_.expires_after(interval_);
  timer_.async_wait([this, here = std::weak_ptr<bool>(is_here_)](const asio::error_code& ec) {
    if (ec || here.expired()) return;
    is_armed_ = false;
    look();
  });
}

void Callers::drop_idle() {
  last_ = nullptr;
  for (auto at = callers_.begin(); at != callers_.end();)
    at = at->second->deliveries() ? std::next(at) : callers_.erase(at);
}

void Callers::look() {
  if (!session_) return;
  last_ = nullptr;
  for (auto at = callers_.begin(); at != callers_.end();) {
    Caller& caller = *at->second;
    const bool was_busy = std::exchange(caller.was_busy, caller.deliveries() != 0);
    if (!was_busy && !caller.was_busy) {
      at = callers_.erase(at);
      continue;
    }
    if (was_busy && caller.was_busy && !caller.is_gone() && caller.address().starts_with(k_direct) &&
        questions_.size() < k_most_questions) {
      ask(caller);
    }
    ++at;
  }
  if (!callers_.empty()) arm();
}

void Callers::ask_next() {
  is_asking_ = false;
  if (!session_ || questions_.empty()) return;
  is_asking_ = true;
  const std::string address = std::move(questions_.front());
  questions_.pop_front();
  if (!session_->is_channel_open(channel_)) session_->open_channel(channel_, {});
  amqp_queue_declare_t declare{};
  declare.queue = to_bytes(address);
  declare.passive = 1;
  session_->call(channel_, AMQP_QUEUE_DECLARE_METHOD, &declare, {AMQP_QUEUE_DECLARE_OK_METHOD, 0}, {},
                 [this, address](const Result<Method>& answer) {
                   if (!session_) return;
                   const auto caller = callers_.find(address);
                   if (caller != callers_.end()) {
                     caller->second->is_asked_for = false;
                     caller->second->values = 0;
                     if (!answer) caller->second->mark_gone();
                   }
                   ask_next();
                 });
}

}  // namespace waybill::amqp
