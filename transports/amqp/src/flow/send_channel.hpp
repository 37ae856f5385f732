// SendChannel: messages without confirms, on a channel that nothing else lives on: replies, requests.
#pragma once

#include "flow/suspects.hpp"
#include "protocol/link.hpp"
#include "waybill/log.hpp"
#include "waybill/transport/backoff.hpp"

#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>

namespace waybill::amqp {

/// A channel that the broker closes because of one message costs that message: it is opened again at once, and what came
/// behind the message is sent again. One that is closed again and again is opened with a growing pause, in which what is to
/// be sent waits, within a bound, as it does before start().
///
/// Threads: one executor. Lifetime: within its owner; stop() before the link ends, which forgets what waits.
class SendChannel {
 public:
  /// `message` was surely not taken. Without a message: nobody knows which one was refused.
  using Refused = std::function<void(const Suspects::Message* message, const Error& error)>;
  SendChannel(const asio::any_io_executor& executor, ChannelId channel, Refused refused);

  void start(Link& link);
  void stop() noexcept;
  ChannelId id() const noexcept { return channel_; }
  bool is_open() const noexcept { return link_ && !is_pausing_; }

  /// Where the next message is appended; then sent() is told, with the same buffer: asking again may write what is in it.
  Buffer& out() noexcept { return is_open() ? link_->out() : waiting_; }
  /// Give a message with its note only if watches() says so.
  bool watches(const Suspects::Message& message) const noexcept {
    return suspects_.is_watching() || message.is_suspicious() || !is_open();
  }
  void sent(Suspects::Message message, Buffer& out, std::size_t begins_at);
  void on_closed(const Error& error);
  /// The largest body that the broker takes, as far as it has said so.
  std::uint64_t most_bytes() const noexcept { return most_bytes_; }

 private:
  static constexpr std::size_t k_most_waiting = 1u << 20;  // bytes
  void reopen();
  void fence();
  void pause(std::chrono::milliseconds wait);

  const ChannelId channel_;
  Refused refused_;
  Link* link_ = nullptr;
  Suspects suspects_;
  Buffer waiting_;
  asio::steady_timer timer_;
  transport::Backoff backoff_;
  socket::TimePoint closed_at_{};
  std::uint64_t most_bytes_ = UINT64_MAX;
  bool is_pausing_ = false;
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true);
};

}  // namespace waybill::amqp
