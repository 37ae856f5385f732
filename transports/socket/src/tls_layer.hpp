// TlsLayer: what a Stream needs from TLS. It calls the stream's handlers back, with a count on the stream.
#pragma once

#include "waybill/slice.hpp"
#include "waybill/transports/socket/stream.hpp"

#include <asio/error_code.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace waybill::socket {

/// Threads and lifetime: those of the stream that owns it. One read and one write may be under way.
class TlsLayer {
 public:
  virtual ~TlsLayer() = default;
  virtual void handshake(Stream& stream) = 0;
  virtual void read(Stream& stream, char* data, std::size_t room) = 0;
  /// Takes the bytes over; they stay alive until they are written.
  virtual void write(Stream& stream, Buffer&& bytes, std::size_t from) = 0;
  /// Says goodbye. What the other side still sends is no concern of TLS any more.
  virtual void shut_down(Stream& stream) = 0;
  /// Of the other side, if it has shown a certificate that was checked. After the handshake.
  virtual std::optional<TlsIdentity> identity() const = 0;

 protected:
  static void handshake_done(Stream& stream, const asio::error_code& ec, const std::string& story) {
    stream.handle_handshake(ec, story);
  }
  /// The other side does not accept us, and says why.
  static void refused(Stream& stream, const std::string& story) { stream.handle_refusal(story); }
  static void read_done(Stream& stream, const asio::error_code& ec, std::size_t count) {
    stream.handle_read(ec, count);
  }
  /// Some bytes of a write were taken.
  static void write_goes_on(Stream& stream) { stream.expect_progress(); }
  static void write_done(Stream& stream, const asio::error_code& ec, std::size_t count) {
    stream.handle_written(ec, count);
  }
  static void shut_down_done(Stream& stream) { stream.handle_tls_shut_down(); }
};

}  // namespace waybill::socket
