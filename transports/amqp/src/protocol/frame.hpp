// Frames of AMQP 0-9-1: cutting them out of bytes and appending them to bytes. Pure.
//
//   frame           type:1  channel:2  size:4  payload:size  0xCE
//   method payload  class:2  method:2  arguments          (type 1)
//   header payload  class:2  weight:2  body size:8  flags:2  properties   (type 2)
//   body payload    bytes                                 (type 3)
//   heartbeat       nothing, channel 0                    (type 8)
// Numbers are big-endian.
#pragma once

#include "protocol/method.hpp"
#include "waybill/slice.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace waybill::amqp {

inline constexpr std::size_t k_frame_head = 7;
inline constexpr std::size_t k_frame_overhead = 8;  ///< Head and end octet.
inline constexpr char k_frame_end = '\xCE';
inline constexpr std::uint32_t k_least_frame_max = 4'096;
inline constexpr std::uint32_t k_wanted_frame_max = 131'072;

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

struct Frame {
  FrameType type = FrameType::heartbeat;
  ChannelId channel = 0;
  std::string_view payload;
};

enum class Cut { frame, more, broken };

/// Takes the frame at `at`, which moves behind it. `broken`: nothing behind it can be understood any more; a frame of
/// more than `frame_max` bytes is broken as soon as its head is there.
Cut cut_frame(std::string_view bytes, std::size_t& at, std::uint32_t frame_max, Frame& frame) noexcept;

template <class T>
T load(const char* at) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(static_cast<T>(value << 8) | static_cast<unsigned char>(at[i]));
  return value;
}
template <>
inline std::uint8_t load<std::uint8_t>(const char* at) noexcept {
  return static_cast<std::uint8_t>(*at);
}

template <class T>
char* store(char* at, T value) noexcept {
  for (std::size_t i = sizeof(T); i-- > 0;) *at++ = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return at;
}
inline char* store_short_text(char* at, std::string_view text) noexcept {
  *at++ = static_cast<char>(static_cast<unsigned char>(text.size()));
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

/// Appends a method frame. `arguments` is the structure of that method.
/// REQUIRES: short strings have at most 255 bytes, and the arguments fit into a frame of k_least_frame_max bytes, or of
/// `room` bytes.
void append_method(Buffer& out, ChannelId channel, amqp_method_number_t id, const void* arguments,
                   std::size_t room = k_least_frame_max);
void append_heartbeat(Buffer& out);

/// basic.publish. REQUIRES: both names have at most 255 bytes.
void append_publish(Buffer& out, ChannelId channel, std::string_view exchange, std::string_view routing_key,
                    bool mandatory);
void append_ack(Buffer& out, ChannelId channel, std::uint64_t tag, bool multiple);
void append_nack(Buffer& out, ChannelId channel, std::uint64_t tag, bool requeue);

}  // namespace waybill::amqp
