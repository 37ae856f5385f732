// The frames of a message, as they are written: method, header with its properties, body. Pure.
#pragma once

#include "protocol/frame.hpp"
#include "protocol/properties.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace waybill::amqp {

/// Where the parts of an appended message are, from its first byte on.
struct Layout {
  std::size_t header_at = 0;    ///< Of the header frame.
  std::size_t table_at = 0;     ///< Of the size of the table of headers.
  std::size_t body_at = 0;      ///< Of the first body frame; the end of the message without body.
  std::uint64_t body_size = 0;  ///< Bytes, without the frames around them.
};

/// Writes one header frame, property by property in their order, and fills in its flags at the end.
class HeaderFrame {
 public:
  HeaderFrame(Buffer& out, ChannelId channel);
  void text(std::uint16_t bit, const std::optional<std::string_view>& value);
  /// Where the table of headers is about to be, which the caller appends.
  std::size_t table() noexcept {
    flags_ |= flag::k_headers;
    return out_.size();
  }
  template <class T>
  void number(std::uint16_t bit, const std::optional<T>& value) {
    if (!value) return;
    flags_ |= bit;
    store<T>(out_.prepare(sizeof(T)), *value);
    out_.commit(sizeof(T));
  }
  void finish();
  std::size_t size() const noexcept { return out_.size() - start_; }

 private:
  Buffer& out_;
  std::size_t start_;
  std::uint16_t flags_ = 0;
};

/// Room for the head of the first body frame; the body goes behind it.
inline void begin_body(Buffer& out) {
  out.prepare(k_frame_head);
  out.commit(k_frame_head);
}
/// What was appended since begin_body() is the body: tells the header its size, and cuts it into frames.
void close_message(Buffer& out, std::size_t start, Layout& layout, ChannelId channel, std::uint32_t frame_max);

}  // namespace waybill::amqp
