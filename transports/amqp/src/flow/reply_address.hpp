// ReplyAddress: where the replies of one link come to.
#pragma once

#include "protocol/set_up.hpp"
#include "wire/wire.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// RabbitMQ's direct reply-to (rabbitmq.com/docs/direct-reply-to). The short name goes only on the channel that consumes the
/// replies, which a request may close, with all replies on their way. With the address that stands for it, which the broker
/// shows of a message that no queue takes, requests go on a channel of their own.
///
/// Threads: one executor. Lifetime: within its owner, longer than what it asks.
class ReplyAddress {
 public:
  ReplyAddress(ChannelId channel, const Options& options) noexcept : channel_(channel), options_(options) {}

  /// Consumes the replies.
  SetUp::Ask consume() const;
  /// Asks for the address. `answered`: the broker has done so, told or not; it may take long while it takes no messages.
  SetUp::Ask learn(Link& link, const Serializer& format, std::function<void()> answered);
  /// A message came back on a channel: true if it was the question.
  bool is_told(ChannelId channel, const Properties& properties);
  void forget() noexcept { is_learning_ = false; }

  bool is_learning() const noexcept { return is_learning_; }
  /// Else the broker does not tell it us.
  bool is_known() const noexcept { return !address_.empty(); }
  std::string_view text() const noexcept;

 private:
  const ChannelId channel_;
  const Options& options_;
  std::string address_;
  bool is_learning_ = false;
};

}  // namespace waybill::amqp
