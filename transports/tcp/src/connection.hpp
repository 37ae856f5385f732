// Client role of tcp: dials, and sends through the link; another one after a loss.
#pragma once

#include "connection_link.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/dial.hpp"
#include "waybill/transports/socket/fresh_tls.hpp"
#include "waybill/transports/socket/liveness.hpp"
#include "waybill/transports/socket/tick.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <optional>

namespace waybill::tcp {

/// What a connection is, over all of its links: dialling, deadlines, and where replies go.
///
/// Threads:  the connection's executor.
/// Lifetime: shared by the connection and its operations, so that a connection may go while they end.
class Sender final : public std::enable_shared_from_this<Sender> {
 public:
  Sender(Environment environment, const Options& options, const Registry& registry);

  ~Sender() { tick_->stop(); }

  // These take the sender by value: an operation may begin after its connection has gone.
  static asio::awaitable<Result<void>> open(std::shared_ptr<Sender> self, ConnectionSink& sink);
  void send(const Packet& packet, Ticket ticket);
  void forget(Term id);
  void hold(bool on);  ///< Stops reading, or goes on.
  std::size_t unsent_bytes() const noexcept { return link_ ? link_->unsent_bytes() : 0; }
  static asio::awaitable<void> flush(std::shared_ptr<Sender> self);
  void close();  ///< For good: nothing begins any more. What was sent is still written.

  // For the link.
  ConnectionSink* sink() const noexcept { return sink_; }
  void link_ready();
  void link_gone(const Error& error);
  void wrote() {
    if (flushing_) progress_.cancel();
  }
  void watch() { tick_->start(); }

 private:
  Result<void> prepare();
  asio::awaitable<Result<void>> dial(ConnectionSink& sink);
  asio::awaitable<Result<void>> set_up(socket::Dialed dialed, socket::TimePoint deadline);
  void drop_link();
  void watch_life();
  void look_for_life();

  Environment environment_;
  const Options options_;
  CodecRules rules_;
  socket::FreshTls tls_;
  std::shared_ptr<socket::Dial> dial_;
  std::shared_ptr<socket::Tick> tick_;
  asio::steady_timer progress_;  // cancelled when the link is ready, gone, or has written
  socket::Liveness alive_;       // of a link with binary framing
  asio::steady_timer alive_timer_;
  socket::Ref<ConnectionLink> link_;
  ConnectionSink* sink_ = nullptr;
  std::optional<Error> failure_;  // of a link that was being set up
  std::optional<Error> refusal_;  // of a link that was ready before the other side had looked at our certificate
  socket::TimePoint ready_since_{};
  bool ready_ = false;
  bool closed_ = false;
  unsigned flushing_ = 0;  // how many flush() wait
};

/// Shares its sender with what is under way, and closes it when it goes.
class TcpConnection final : public Connection {
 public:
  TcpConnection(Environment environment, const Options& options, const Registry& registry)
      : sender_(std::make_shared<Sender>(std::move(environment), options, registry)) {}
  ~TcpConnection() override { sender_->close(); }

  asio::awaitable<Result<void>> open(ConnectionSink& sink) override { return Sender::open(sender_, sink); }
  void send(const Packet& packet, Ticket ticket) override { sender_->send(packet, ticket); }
  void forget(Term id) override { sender_->forget(id); }
  void pause() override { sender_->hold(true); }
  void resume() override { sender_->hold(false); }
  std::size_t unsent_bytes() const noexcept override { return sender_->unsent_bytes(); }
  asio::awaitable<void> flush() override { return Sender::flush(sender_); }
  void close() override { sender_->close(); }

 private:
  std::shared_ptr<Sender> sender_;
};

}  // namespace waybill::tcp
