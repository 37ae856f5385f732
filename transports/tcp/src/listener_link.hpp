// ListenerLink: the accepted connections of a listener, their deadlines, and where deliveries go.
#pragma once

#include "peer.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/socket/acceptors.hpp"
#include "waybill/transports/socket/complaints.hpp"
#include "waybill/transports/socket/fresh_tls.hpp"
#include "waybill/transports/socket/tick.hpp"
#include "wire/wire.hpp"

#include <asio/steady_timer.hpp>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace waybill::tcp {

/// Threads:  the listener's executor.
/// Lifetime: shared by the listener and its operations, so that a listener may go while they end.
class ListenerLink : public std::enable_shared_from_this<ListenerLink>, public socket::Arrivals {
 public:
  ListenerLink(Environment environment, const Options& options, const Registry& registry);
  /// Loads what TLS needs, if the options ask for it. Errors: those of TlsContext::make.
  Result<void> set_up_tls();

  ~ListenerLink() { tick_->stop(); }

  /// Takes an accepted socket, or closes it when there are too many.
  void adopt(asio::ip::tcp::socket socket) override;
  void set_sink(ListenerSink* sink) noexcept { sink_ = sink; }
  void hold(bool on);
  /// Requests are answered with Error::shutting_down() from now on, events dropped.
  void stop_intake();
  /// Completes when no connection has unsent bytes, or after close(). Once the intake has stopped it also ends the
  /// connections, and waits until each of their systems has all, and a moment for their own ends.
  static asio::awaitable<void> flush(std::shared_ptr<ListenerLink> self);
  void close();
  bool is_closed() const noexcept override { return closed_; }

  // For peers.
  ListenerSink* sink() const noexcept { return sink_; }
  void forget(Peer& peer, const Error& error);
  void has_spoken(Peer& peer);
  void wrote() { flush_done_.cancel(); }
  void watch() { tick_->start(); }
  /// A peer misbehaved; logged at most once a second, with how many lines were left out.
  void complain(const std::string& line) override { complaints_.write(line); }

  const Environment& environment() const noexcept { return environment_; }
  const Options& options() const noexcept { return options_; }
  const CodecRules& rules() const noexcept { return rules_; }

 private:
  bool check_deadlines(socket::TimePoint now);
  /// Completes when what is unsent now is written.
  static asio::awaitable<void> write_all(std::shared_ptr<ListenerLink> self);
  void leave_who_takes_nothing();
  bool is_delivered() const noexcept;
  /// Makes room for a connection from there, or says why there is none.
  std::string refusal_of(const asio::ip::address& address);

  Environment environment_;
  socket::Complaints complaints_;
  const Options options_;
  CodecRules rules_;
  socket::FreshTls tls_;
  std::map<asio::ip::address, std::size_t> addresses_;  // how many connections each has
  std::list<Peer*> silent_;                             // have sent no message yet; the oldest first
  std::vector<socket::Ref<Peer>> peers_;
  std::shared_ptr<socket::Tick> tick_;
  asio::steady_timer flush_done_;  // cancelled whenever bytes were written
  ListenerSink* sink_ = nullptr;
  bool held_ = false;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace waybill::tcp
