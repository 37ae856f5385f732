// PublishChannel: messages with confirms, on a channel that nothing else lives on: events, retries, dead letters.
#pragma once

#include "flow/confirms.hpp"
#include "protocol/link.hpp"
#include "protocol/topology.hpp"
#include "waybill/transport/backoff.hpp"

#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>

namespace waybill::amqp {

/// What the broker closes the channel for costs one message, which Confirms searches for; the channel is opened again, at
/// first at once, and with a growing pause when it is closed again and again without anything being confirmed.
///
/// Threads: one executor. Lifetime: within its owner; stop() before the link ends.
class PublishChannel {
 public:
  using Declares = std::function<void(Declaration&)>;
  using Closed = std::function<void(const Error&)>;
  /// `told`: as for Confirms. `closed`: the broker closed the channel, for the log.
  PublishChannel(const asio::any_io_executor& executor, ChannelId channel, const Options& options, Confirms::Told told,
                 Closed closed);

  /// What is declared each time before it is used: things that may have been deleted.
  void declares(Declares declares) { declares_ = std::move(declares); }
  /// `ready`: the first time that the broker takes messages.
  void start(Link& link, std::function<void()> ready = {});
  /// The link is gone: forgets all messages, without a word.
  void stop() noexcept;

  void nack_means(End end) noexcept { confirms_.nack_means(end); }
  void doubt() noexcept { confirms_.doubt(); }
  ChannelId id() const noexcept { return channel_; }
  const Confirms& confirms() const noexcept { return confirms_; }
  Buffer& buffer() noexcept { return confirms_.buffer(); }
  void added(Ticket ticket, std::size_t begins_at, const Layout& layout);
  void on_method(const Method& method);
  void on_return(const amqp_basic_return_t& given_back, std::string_view body, std::string_view reason);
  void on_closed(const Error& error);

 private:
  void open();
  void send();

  const ChannelId channel_;
  const Options& options_;
  Confirms confirms_;
  Closed closed_;
  Declares declares_;
  std::function<void()> ready_;
  Link* link_ = nullptr;
  asio::steady_timer timer_;
  transport::Backoff backoff_;
  int closures_ = 0;  ///< Since anything was confirmed.
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true);
};

}  // namespace waybill::amqp
