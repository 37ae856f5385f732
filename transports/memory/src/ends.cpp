#include "ends.hpp"

#include "waybill/detail/asio.hpp"

#include <asio/post.hpp>

#include <utility>

namespace waybill::memory {
namespace {

/// A delivery's way back: one for each delivery, gone with it.
class InHand final : public DeliverySource {
 public:
  InHand(std::shared_ptr<ServiceEnd> end, std::shared_ptr<Call> call) : end_(std::move(end)), call_(std::move(call)) {}

  void reply(const Delivery& delivery, const Packet& packet) override {
    (void)delivery;
    if (!call_) return;
    Packet reply = packet;
    reply.id = call_->id();
    reply.route = call_->request.route;
    if (auto carried = end_->wire.carry(reply, Direction::to_client)) end_->hub->reply(*end_, call_, *carried);
  }
  void settle(const Delivery& delivery, Settlement settlement) override {
    end_->hub->settle(*end_, delivery, settlement);
  }
  void park(const Delivery& delivery, ParkDone done) override { end_->hub->park(*end_, delivery, std::move(done)); }
  void add_delivery() noexcept override {}
  void drop_delivery() noexcept override { delete this; }
  bool is_congested() const noexcept override { return call_ && end_->hub->is_congested(call_); }
  bool is_connected() const noexcept override { return end_->hub->is_connected(*end_, token); }

  std::uint64_t token = 0;

 private:
  std::shared_ptr<ServiceEnd> end_;
  std::shared_ptr<Call> call_;
};

}  // namespace

void End::schedule_locked() {
  if (is_scheduled_ || is_closed) return;
  is_scheduled_ = true;
  asio::post(executor, [self = shared_from_this()] { self->run(); });
}

void End::wake_locked() {
  if (!thaw || is_closed) return;
  asio::post(executor, [timer = std::exchange(thaw, nullptr)] { timer->cancel(); });
}

void End::run() {
  for (int told = 0; told < k_batch; ++told) {
    if (!run_one()) return;
  }
  const std::lock_guard lock(hub->mutex());
  is_scheduled_ = false;
  schedule_locked();
}

asio::awaitable<void> until_moving(std::shared_ptr<End> end) {
  std::shared_ptr<asio::steady_timer> timer;
  {
    const std::lock_guard lock(end->hub->mutex());
    if (end->is_closed || !end->hub->is_frozen_locked()) co_return;
    if (!end->thaw)
      end->thaw = std::make_shared<asio::steady_timer>(end->executor, asio::steady_timer::time_point::max());
    timer = end->thaw;
    end->hub->when_moving_locked([weak = std::weak_ptr(end)] {
      if (const auto waiting = weak.lock()) waiting->wake_locked();
    });
  }
  co_await waybill::detail::wait_quietly(*timer);
}

void ServiceEnd::accept(MessagePtr message) {
  inbox.push_back(std::move(message));
  schedule_locked();
}

bool ServiceEnd::run_one() {
  std::unique_lock lock(hub->mutex());
  if (is_closed) return false;
  if (lost) {
    const auto error = *std::exchange(lost, std::nullopt);
    lock.unlock();
    if (sink) sink->on_lost(error);
    return true;
  }
  if (inbox.empty()) {
    is_scheduled_ = false;
    return false;
  }
  const auto message = std::move(inbox.front());
  inbox.pop_front();
  if (!message->is_wanted()) {
    hub->released_locked(*this);
    return true;
  }
  const auto token = ++last_token;
  const int attempt = ++message->attempt;  // once the lock is gone the link may be cut, and another listener have it
  unsettled.emplace(token, message);
  hub->delivered_locked();
  lock.unlock();

  auto* source = new InHand(self(), message->call);  // ends with its delivery
  source->token = token;
  Delivery delivery(*source, token);
  delivery.packet = message->packet;
  delivery.attempt = attempt;
  delivery.redelivered = attempt > 1;
  if (message->call) delivery.reply_to = message->call->id().text;
  if (sink) sink->on_delivery(std::move(delivery));
  return true;
}

void ClientEnd::tell_locked(Packet reply) {
  if (!is_up) return;
  ++reply_packets;
  reply_bytes += reply.payload.size();
  inbox.emplace_back(std::move(reply));
  schedule_locked();
}

void ClientEnd::tell_sent_locked(Ticket ticket, Result<Accepted> outcome) {
  const bool is_wanted = ticket && !(outcome && (ticket & k_failure_only));
  if (!is_wanted || !is_up) return;
  inbox.emplace_back(Sent{ticket, std::move(outcome)});
  schedule_locked();
}

bool ClientEnd::run_one() {
  std::unique_lock lock(hub->mutex());
  if (is_closed) return false;
  if (lost) {
    const auto error = *std::exchange(lost, std::nullopt);
    lock.unlock();
    if (sink) sink->on_lost(error);
    return true;
  }
  if (inbox.empty()) {
    is_scheduled_ = false;
    return false;
  }
  const auto news = std::move(inbox.front());
  inbox.pop_front();
  const auto* packet = std::get_if<Packet>(&news);
  if (packet) {
    --reply_packets;
    reply_bytes -= packet->payload.size();
  }
  lock.unlock();
  if (!sink) return true;
  if (packet) {
    sink->on_reply(*packet);
  } else {
    const auto& sent = std::get<Sent>(news);
    sink->on_sent(sent.ticket, sent.outcome);
  }
  return true;
}

}  // namespace waybill::memory
