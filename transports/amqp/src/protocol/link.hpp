// Link: one live connection to a broker: a session on a socket stream, with heartbeats.
#pragma once

#include "protocol/session.hpp"
#include "waybill/transport/backoff.hpp"
#include "waybill/transports/amqp.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

namespace waybill::amqp {

/// Before a channel that the broker closes again and again is opened.
inline constexpr transport::Backoff::Options k_channel_pauses{std::chrono::milliseconds(100),
                                                              std::chrono::milliseconds(10'000)};

/// Who owns a link: a connection, a listener, a dead letter box.
class LinkUser : public SessionUser {
 public:
  /// What one read brought has been told: time to acknowledge it together.
  virtual void on_batch_end() {}
  virtual void on_written() {}
  /// The stream is gone. At most once, and only if the session did not fail before.
  virtual void on_link_lost(const Error& error) = 0;

 protected:
  ~LinkUser() = default;
};

/// Threads:  the executor of its socket.
/// Lifetime: counted by its owner and by its operations; after leave() it tells nobody anything.
class Link final : public socket::Stream, public Output {
 public:
  Link(LinkUser& user, asio::ip::tcp::socket socket, socket::TlsLayerPtr tls, Login login);

  /// Begins TLS and the handshake; the session opens or the link is lost before `deadline`, or a little after.
  void open(socket::TimePoint deadline);
  Session& session() noexcept { return session_; }
  /// From now on until settled(), the link is lost if that is not said before `deadline`. open() begins so.
  void expect(socket::TimePoint deadline);
  void settled() noexcept { settle_by_ = socket::TimePoint::max(); }
  /// Reading stops after the frame at hand, or goes on.
  void hold(bool on);
  void leave() noexcept;
  /// Leaves, and says goodbye behind what is still to be written. The broker has taken all of it when it answers, which
  /// is waited for a second at most: an end of the stream might overtake what it has not read yet.
  void finish_quietly();
  /// The same; completes when the broker has answered, or the link is gone.
  static asio::awaitable<void> say_goodbye(socket::Ref<Link> self);

  Buffer& output() override { return out(); }

 private:
  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_eof() override;
  void on_written() override;
  void on_closed(const Error& error) override;
  void watch_deadline() override {}  // the tick looks at it

  void arm_tick();
  void on_tick();
  bool beat(socket::TimePoint now);
  Error late_error();
  void end_goodbye();
  void lost(Error error);

  LinkUser* user_;
  Session session_;
  asio::steady_timer tick_;
  asio::steady_timer goodbye_;  ///< Cancelled when it is answered.
  socket::TimePoint settle_by_ = socket::TimePoint::max();
  socket::TimePoint goodbye_by_ = socket::TimePoint::max();
  socket::TimePoint beat_at_{};
  std::uint64_t written_at_tick_ = 0;
  int silent_ticks_ = 0;
  bool is_held_ = false;
};

}  // namespace waybill::amqp
