#include "protocol/frame.hpp"

namespace waybill::amqp {
namespace {

constexpr std::uint32_t k_publish = AMQP_BASIC_PUBLISH_METHOD;
constexpr std::uint32_t k_ack = AMQP_BASIC_ACK_METHOD;
constexpr std::uint32_t k_nack = AMQP_BASIC_NACK_METHOD;

char* store_head(char* at, FrameType type, ChannelId channel, std::size_t size) noexcept {
  *at++ = static_cast<char>(type);
  at = store<std::uint16_t>(at, channel);
  return store<std::uint32_t>(at, static_cast<std::uint32_t>(size));
}

void append_settlement(Buffer& out, ChannelId channel, std::uint32_t method, std::uint64_t tag, unsigned bits) {
  constexpr std::size_t k_payload = 4 + 8 + 1;
  char* at = out.prepare(k_payload + k_frame_overhead);
  at = store_head(at, FrameType::method, channel, k_payload);
  at = store<std::uint32_t>(at, method);
  at = store<std::uint64_t>(at, tag);
  *at++ = static_cast<char>(bits);
  *at = k_frame_end;
  out.commit(k_payload + k_frame_overhead);
}

}  // namespace

Cut cut_frame(std::string_view bytes, std::size_t& at, std::uint32_t frame_max, Frame& frame) noexcept {
  if (bytes.size() - at < k_frame_head) return Cut::more;
  const char* const head = bytes.data() + at;
  const auto type = load<std::uint8_t>(head);
  const auto size = load<std::uint32_t>(head + 3);
  const bool is_known = (type >= 1 && type <= 3) || type == 8;
  if (!is_known || size > frame_max - k_frame_overhead) return Cut::broken;
  if (bytes.size() - at - k_frame_head <= size) return Cut::more;
  if (head[k_frame_head + size] != k_frame_end) return Cut::broken;
  frame.type = static_cast<FrameType>(type);
  frame.channel = load<std::uint16_t>(head + 1);
  frame.payload = {head + k_frame_head, size};
  at += k_frame_overhead + size;
  return Cut::frame;
}

void append_method(Buffer& out, ChannelId channel, amqp_method_number_t id, const void* arguments, std::size_t room) {
  char* const head = out.prepare(room);
  const amqp_bytes_t space{room - k_frame_overhead - 4, head + k_frame_head + 4};
  const int written = amqp_encode_method(id, const_cast<void*>(arguments), space);  // it only reads them
  if (written < 0) return;  // against REQUIRES; the broker's silence becomes a timeout
  const std::size_t size = static_cast<std::size_t>(written) + 4;
  store<std::uint32_t>(store_head(head, FrameType::method, channel, size), id);
  head[k_frame_head + size] = k_frame_end;
  out.commit(size + k_frame_overhead);
}

void append_heartbeat(Buffer& out) {
  char* const at = store_head(out.prepare(k_frame_overhead), FrameType::heartbeat, 0, 0);
  *at = k_frame_end;
  out.commit(k_frame_overhead);
}

void append_publish(Buffer& out, ChannelId channel, std::string_view exchange, std::string_view routing_key,
                    bool mandatory) {
  const std::size_t size = 4 + 2 + 1 + exchange.size() + 1 + routing_key.size() + 1;
  char* at = store_head(out.prepare(size + k_frame_overhead), FrameType::method, channel, size);
  at = store<std::uint32_t>(at, k_publish);
  at = store<std::uint16_t>(at, 0);
  at = store_short_text(at, exchange);
  at = store_short_text(at, routing_key);
  *at++ = mandatory ? 1 : 0;
  *at = k_frame_end;
  out.commit(size + k_frame_overhead);
}

void append_ack(Buffer& out, ChannelId channel, std::uint64_t tag, bool multiple) {
  append_settlement(out, channel, k_ack, tag, multiple ? 1 : 0);
}

void append_nack(Buffer& out, ChannelId channel, std::uint64_t tag, bool requeue) {
  append_settlement(out, channel, k_nack, tag, requeue ? 2 : 0);
}

}  // namespace waybill::amqp
