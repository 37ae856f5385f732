#include "flow/reply_address.hpp"

#include "wire/wire.hpp"

#include <utility>

namespace waybill::amqp {
namespace {

constexpr std::string_view k_short_name = "amq.rabbitmq.reply-to";

}  // namespace

SetUp::Ask ReplyAddress::consume() const {
  return [this](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Declaration(session, channel_, options_, failed).consume(std::string(k_short_name), true, false, done);
  };
}

SetUp::Ask ReplyAddress::learn(Link& link, const Serializer& format, std::function<void()> answered) {
  address_.clear();
  is_learning_ = true;
  return [this, &link, &format, answered = std::move(answered)](Session& session, const Declaration::Failed& failed,
                                                                const Session::Done& done) {
    Packet nothing;
    nothing.has_payload = true;
    Envelope envelope;
    envelope.channel = channel_;
    envelope.mandatory = true;
    envelope.reply_to = k_short_name;
    const auto appended = append_message(link.out(), envelope, nothing, format, session.frame_max());
    (void)appended;
    const auto refused = [this, failed](const Error& error) {
      is_learning_ = false;
      failed(error);
    };
    // Answered behind it.
    Declaration(session, channel_, options_, refused).prefetch(0, [this, answered, done](const Result<Method>& answer) {
      is_learning_ = false;
      answered();
      done(answer);
    });
  };
}

bool ReplyAddress::is_told(ChannelId channel, const Properties& properties) {
  if (!is_learning_ || channel != channel_) return false;
  const std::string_view address = properties.reply_to.value_or(std::string_view());
  if (address != k_short_name) address_ = address;
  return true;
}

std::string_view ReplyAddress::text() const noexcept { return is_known() ? std::string_view(address_) : k_short_name; }

}  // namespace waybill::amqp
