// Peer: one accepted connection. Requests go up one after the other, each when the one before is answered.
#pragma once

#include "http/request_parser.hpp"
#include "waybill/http/message.hpp"
#include "waybill/http/server_config.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/ip/address.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace waybill::http {

class Peer;

/// Whose connections these are.
class PeerOwner {
 public:
  /// A whole request has come; Peer::respond() answers it, once. `peer` reads nothing else meanwhile but its end.
  virtual void on_request(Peer& peer, std::unique_ptr<Request> request) = 0;
  /// A request was refused before it was whole; `part` is what came of it. It is answered already.
  virtual void on_refused(Peer& peer, const Request& part, const Response& response, const std::string& why) = 0;
  /// The caller of the request under way has said that it says no more: it may read on, or have left.
  virtual void on_said_all(Peer& peer) = 0;
  /// The connection of the request under way was lost.
  virtual void on_left(Peer& peer) = 0;
  /// Bytes have gone out.
  virtual void on_written(Peer& peer) = 0;
  virtual void on_closed(Peer& peer, const Error& error) = 0;
  virtual void watch_deadlines() = 0;
  /// No further request is wanted.
  virtual bool is_draining() const noexcept = 0;
  /// "Date: ...\r\n"
  virtual std::string_view date_field() = 0;

 protected:
  ~PeerOwner() = default;
};

/// Threads:  the server's executor.
/// Lifetime: counted by the owner and by its operations.
class Peer final : public socket::Stream {
 public:
  Peer(PeerOwner& owner, asio::ip::tcp::socket socket, const ServerConfig& config, socket::TlsLayerPtr tls,
       const asio::ip::address& its_address);

  /// The owner is closing: nothing is told to it any more.
  void leave_owner() noexcept { owner_ = nullptr; }
  /// After the handshake, if there is one.
  void expect_request();
  bool is_busy() const noexcept { return is_busy_; }
  /// Ends when all that was answered is read, however long its reader takes.
  void finish();
  /// A request that has begun and did not get whole in its time is answered with that.
  void refuse_if_late(socket::TimePoint now);
  /// It has had no request since then, nor any byte of one.
  bool is_idle_since(socket::TimePoint when) const noexcept {
    return !is_busy_ && !parser_.has_begun() && idle_since_ <= when;
  }

  using Stream::acknowledged_bytes;
  /// True when it has taken something of what was written after the first `count` bytes, and has not refused it since.
  bool has_taken_beyond(std::uint64_t count) const noexcept;
  /// The other side's system has refused what was sent to it.
  bool is_reset() const noexcept;

  /// The whole response. REQUIRES: is_busy(), as for those below.
  void respond(const Response& response, bool is_head_only);
  /// The head of a response whose body comes in pieces; then the pieces, then the end.
  void begin_body(const Response& response);
  void add_to_body(std::string_view piece);
  void end_body();

  const asio::ip::address address;
  // The owner's own.
  std::size_t place = 0;  ///< In its list.

 private:
  enum class Phase { idle, head, body, busy };
  enum class Length { known, chunked, until_end };
  void on_ready() override;
  std::size_t on_bytes(const char* data, std::size_t size) override;
  void on_eof() override;
  void on_written() override;
  void on_closed(const Error& error) override;
  void watch_deadline() override;

  void refuse(int status, const std::string& why);
  void write_head(const Response& response, Length length);
  Length length_of_pieces() const noexcept { return is_http10_ ? Length::until_end : Length::chunked; }
  void request_is_done();
  void set_time_limit();

  PeerOwner* owner_;
  const ServerConfig& config_;
  RequestParser parser_;
  bool is_busy_ = false;
  std::size_t in_hand_ = 0;  // bytes of the request's body
  bool keeps_alive_ = false;
  bool is_http10_ = false;
  Phase phase_ = Phase::busy;
  socket::TimePoint idle_since_;
};

}  // namespace waybill::http
