#include "protocol/message_frames.hpp"

namespace waybill::amqp {
namespace {

constexpr std::size_t k_body_size_at = k_frame_head + 4;  // in the header frame
constexpr std::size_t k_flags_at = k_frame_head + 12;

char* store_body_head(char* at, ChannelId channel, std::size_t size) noexcept {
  *at++ = static_cast<char>(FrameType::body);
  at = store<std::uint16_t>(at, channel);
  return store<std::uint32_t>(at, static_cast<std::uint32_t>(size));
}

/// The body stands behind the head of its first frame: closes it, or cuts it into frames.
void close_body(Buffer& out, ChannelId channel, std::size_t body_at, std::uint32_t frame_max) {
  const std::size_t first = body_at + k_frame_head;
  const std::size_t size = out.size() - first;
  const std::size_t most = frame_max - k_frame_overhead;
  if (size == 0) return out.truncate(body_at);
  if (size <= most) {
    store_body_head(out.data() + body_at, channel, size);
    return out.push_back(k_frame_end);
  }
  Buffer whole;
  whole.append(out.view().substr(first));
  out.truncate(body_at);
  for (std::string_view rest = whole.view(); !rest.empty();) {
    const std::string_view part = rest.substr(0, most);
    rest.remove_prefix(part.size());
    store_body_head(out.prepare(k_frame_head), channel, part.size());
    out.commit(k_frame_head);
    out.append(part);
    out.push_back(k_frame_end);
  }
}

}  // namespace

HeaderFrame::HeaderFrame(Buffer& out, ChannelId channel) : out_(out), start_(out.size()) {
  constexpr std::size_t k_head = k_frame_head + 14;
  char* at = out.prepare(k_head);
  *at++ = static_cast<char>(FrameType::header);
  at = store<std::uint16_t>(at, channel);
  at = store<std::uint32_t>(at, 0);
  at = store<std::uint16_t>(at, AMQP_BASIC_CLASS);
  at = store<std::uint16_t>(at, 0);
  at = store<std::uint64_t>(at, 0);
  store<std::uint16_t>(at, 0);
  out.commit(k_head);
}

void HeaderFrame::text(std::uint16_t bit, const std::optional<std::string_view>& value) {
  if (!value) return;
  flags_ |= bit;
  store_short_text(out_.prepare(1 + value->size()), *value);
  out_.commit(1 + value->size());
}

void HeaderFrame::finish() {
  const std::size_t size = out_.size() - start_ - k_frame_head;
  out_.push_back(k_frame_end);
  char* const head = out_.data() + start_;
  store<std::uint32_t>(head + 3, static_cast<std::uint32_t>(size));
  store<std::uint16_t>(head + k_flags_at, flags_);
}

void close_message(Buffer& out, std::size_t start, Layout& layout, ChannelId channel, std::uint32_t frame_max) {
  layout.body_size = out.size() - start - layout.body_at - k_frame_head;
  store<std::uint64_t>(out.data() + start + layout.header_at + k_body_size_at, layout.body_size);
  close_body(out, channel, start + layout.body_at, frame_max);
}

}  // namespace waybill::amqp
