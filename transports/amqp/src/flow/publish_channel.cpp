#include "flow/publish_channel.hpp"

#include <algorithm>

namespace waybill::amqp {
namespace {

constexpr int k_closures_at_once = 2;  // a message that is to blame closes it twice

}  // namespace

PublishChannel::PublishChannel(const asio::any_io_executor& executor, ChannelId channel, const Options& options,
                               Confirms::Told told, Closed closed)
    : channel_(channel),
      options_(options),
      confirms_(std::move(told)),
      closed_(std::move(closed)),
      timer_(executor),
      backoff_(k_channel_pauses) {}

void PublishChannel::start(Link& link, std::function<void()> ready) {
  link_ = &link;
  ready_ = std::move(ready);
  closures_ = 0;
  backoff_.reset();
  open();
}

void PublishChannel::stop() noexcept {
  link_ = nullptr;
  confirms_.clear();
  timer_.cancel();
}

void PublishChannel::open() {
  Session& session = link_->session();
  session.open_channel(channel_, {});
  // A refusal closes the channel, which is told by itself.
  Declaration declaration(session, channel_, options_, [](const Error&) {});
  if (declares_) declares_(declaration);
  declaration.confirms([this](const Result<Method>&) {
    confirms_.channel_open();
    send();
    if (ready_) std::exchange(ready_, {})();
  });
}

void PublishChannel::added(Ticket ticket, std::size_t begins_at, const Layout& layout) {
  confirms_.added(ticket, begins_at, layout);
  send();
}

void PublishChannel::send() {
  if (link_) confirms_.send(link_->out());
}

void PublishChannel::on_method(const Method& method) {
  const auto here = std::weak_ptr<bool>(is_here_);
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    closures_ = 0;
    backoff_.reset();
    const auto& ack = method.as<amqp_basic_ack_t>();
    confirms_.confirmed(ack.delivery_tag, ack.multiple);
  } else if (method.id == AMQP_BASIC_NACK_METHOD) {
    const auto& nack = method.as<amqp_basic_nack_t>();
    confirms_.refused(nack.delivery_tag, nack.multiple);
  }
  if (!here.expired()) send();
}

void PublishChannel::on_return(const amqp_basic_return_t& given_back, std::string_view body, std::string_view reason) {
  confirms_.returned(to_view(given_back.exchange), to_view(given_back.routing_key), body, reason);
}

void PublishChannel::on_closed(const Error& error) {
  if (!link_) return;
  const auto here = std::weak_ptr<bool>(is_here_);
  closed_(error);
  confirms_.channel_closed(error);
  if (here.expired() || !link_) return;
  if (++closures_ <= k_closures_at_once) return open();
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  timer_.expires_after(backoff_.next(static_cast<std::uint64_t>(now)));
  timer_.async_wait([this, here](const asio::error_code& ec) {
    if (!ec && !here.expired() && link_) open();
  });
}

}  // namespace waybill::amqp
