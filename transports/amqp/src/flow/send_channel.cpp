#include "flow/send_channel.hpp"

#include "protocol/error.hpp"

namespace waybill::amqp {
namespace {

constexpr std::chrono::seconds k_quiet{10};  // after so long without trouble it is forgotten

}  // namespace

SendChannel::SendChannel(const asio::any_io_executor& executor, ChannelId channel, Refused refused)
    : channel_(channel), refused_(std::move(refused)), timer_(executor), backoff_(k_channel_pauses) {}

void SendChannel::start(Link& link) {
  link_ = &link;
  reopen();
}

void SendChannel::stop() noexcept {
  link_ = nullptr;
  is_pausing_ = false;
  suspects_.clear();
  waiting_.clear();
  timer_.cancel();
}

void SendChannel::sent(Suspects::Message message, Buffer& out, std::size_t begins_at) {
  if (!is_open()) {
    if (out.size() <= k_most_waiting) return;
    out.truncate(begins_at);
    return refused_(&message, Error(errc::overloaded, "the broker refuses the channel that it is to be sent on"));
  }
  suspects_.sent(std::move(message), out.view().substr(begins_at));
  if (suspects_.wants_fence()) fence();
}

void SendChannel::fence() {
  suspects_.fence_sent();
  amqp_basic_qos_t qos{};
  link_->session().call(channel_, AMQP_BASIC_QOS_METHOD, &qos, {AMQP_BASIC_QOS_OK_METHOD, 0}, "sending a large message",
                        [this](const Result<Method>& answer) {
                          if (!answer || !link_) return;
                          suspects_.fence_answered();
                          if (suspects_.wants_fence()) fence();
                        });
}

void SendChannel::on_closed(const Error& error) {
  if (!link_) return;
  const Refusal refusal = refusal_of(error);
  if (refusal.most) most_bytes_ = refusal.most;
  Suspects::Verdict verdict = suspects_.closed(refusal.size, refusal.is_user);
  const auto now = std::chrono::steady_clock::now();
  if (now - std::exchange(closed_at_, now) > k_quiet) backoff_.reset();
  if (verdict.refused.empty()) {
    pause(backoff_.next(static_cast<std::uint64_t>(now.time_since_epoch().count())));
    return refused_(nullptr, error);
  }
  reopen();
  // In the order in which they are watched: what the owner makes of the refusal comes behind, and the fence behind all.
  link_->out().append(verdict.again.view());
  const auto here = std::weak_ptr<bool>(is_here_);
  for (const Suspects::Message& message : verdict.refused) refused_(&message, error);
  if (here.expired() || !link_) return;
  if (suspects_.wants_fence()) fence();
}

void SendChannel::pause(std::chrono::milliseconds wait) {
  is_pausing_ = true;
  timer_.expires_after(wait);
  timer_.async_wait([this, here = std::weak_ptr<bool>(is_here_)](const asio::error_code& ec) {
    if (!ec && !here.expired() && link_ && is_pausing_) reopen();
  });
}

void SendChannel::reopen() {
  is_pausing_ = false;
  link_->session().open_channel(channel_, {});
  link_->out().append(waiting_.view());
  waiting_.clear();
}

}  // namespace waybill::amqp
