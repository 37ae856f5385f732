// Completion handlers of a Stream: each holds a count on it, so that it outlives its operations.
#pragma once

#include "waybill/transports/socket/stream.hpp"

#include <asio/error_code.hpp>

namespace waybill::socket {

struct StreamHandlers {
  struct Readable {
    Ref<Stream> stream;
    void operator()(const asio::error_code& ec) const { stream->handle_readable(ec); }
  };
  struct Read {
    Ref<Stream> stream;
    void operator()(const asio::error_code& ec, std::size_t count) const { stream->handle_read(ec, count); }
  };
  struct Writable {
    Ref<Stream> stream;
    void operator()(const asio::error_code& ec) const { stream->handle_written(ec, 0); }
  };
  struct Turn {
    Ref<Stream> stream;
    void operator()() const { stream->handle_turn(); }
  };
  struct Ready {
    Ref<Stream> stream;
    void operator()() const { stream->handle_handshake({}, {}); }
  };
  struct Closed {
    Ref<Stream> stream;
    void operator()() const { stream->on_closed(*stream->failure_); }
  };
  static void make_room(Stream& stream, std::size_t limit) { stream.make_room(limit); }
};

}  // namespace waybill::socket
