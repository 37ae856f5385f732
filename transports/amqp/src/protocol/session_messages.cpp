// Session: messages put together from frames.
#include "protocol/session.hpp"

#include <utility>

namespace waybill::amqp {

Cut Session::take_whole_message(std::string_view bytes, std::size_t& at, const Frame& method) {
  std::size_t behind = at;
  Frame header;
  Cut cut = cut_frame(bytes, behind, frame_max_, header);
  if (cut != Cut::frame) return cut;
  if (header.type != FrameType::header || header.channel != method.channel || header.payload.size() < 12) {
    return Cut::broken;
  }
  const auto size = load<std::uint64_t>(header.payload.data() + 4);
  Frame body;
  if (size == 0) {
    at = behind;
    deliver(method.channel, method.payload, header.payload, Slice::borrow(header.payload), 0);
    return Cut::frame;
  }
  // Large ones are put together as they come, so that nothing is looked at twice.
  if (size > frame_max_ || size > login_.max_message) return Cut::broken;
  cut = cut_frame(bytes, behind, frame_max_, body);
  if (cut != Cut::frame) return cut;
  if (body.type != FrameType::body || body.channel != method.channel || body.payload.size() != size) return Cut::broken;
  at = behind;
  const char* const end = body.payload.data() + body.payload.size();
  const Slice whole = Slice::borrow({header.payload.data(), static_cast<std::size_t>(end - header.payload.data())});
  deliver(method.channel, method.payload, header.payload, whole, body.payload.size());
  return Cut::frame;
}

void Session::begin_assembly(const Frame& method) {
  Channel& channel = channels_[method.channel];
  channel.is_assembling = true;
  channel.has_header = false;
  channel.is_passed_over = false;
  channel.parts.clear();
  channel.parts.append(method.payload);
  channel.method_size = method.payload.size();
  channel.body_size = channel.body_came = 0;
}

void Session::assemble(const Frame& frame) {
  Channel& channel = channels_[frame.channel];
  if (!channel.has_header) {
    if (frame.type != FrameType::header || frame.payload.size() < 14) return broken("a message without its header");
    channel.has_header = true;
    channel.parts.append(frame.payload);
    channel.header_size = frame.payload.size();
    channel.body_size = load<std::uint64_t>(frame.payload.data() + 4);
    channel.is_passed_over = channel.body_size > login_.max_message;
  } else {
    if (frame.type != FrameType::body || frame.payload.size() > channel.body_size - channel.body_came)
      return broken("a message longer than it said");
    channel.body_came += frame.payload.size();
    if (!channel.is_passed_over) channel.parts.append(frame.payload);
  }
  if (channel.body_came < channel.body_size) return;
  channel.is_assembling = false;
  Buffer parts = std::move(channel.parts);
  const Slice all = parts.take();
  const std::string_view method = all.view().substr(0, channel.method_size);
  if (channel.is_passed_over) {
    return pass_over(frame.channel, method,
                     Error(errc::too_large,
                           "it has " + std::to_string(channel.body_size) + " bytes, and max_message allows " +
                               std::to_string(login_.max_message),
                           End::rejected));
  }
  deliver(frame.channel, method, all.view().substr(method.size(), channel.header_size),
          all.part(all.view().substr(method.size())), static_cast<std::size_t>(channel.body_size));
}

void Session::deliver(ChannelId channel, std::string_view method_payload, std::string_view header, const Slice& whole,
                      std::size_t body_size) {
  Method method;
  Properties properties;
  if (!read_properties(header, properties)) {
    return pass_over(channel, method_payload,
                     Error(errc::payload_malformed, "its properties cannot be read", End::rejected));
  }
  if (!decode(method_payload, method)) return;
  const Slice body = body_size ? whole.part(whole.view().substr(whole.size() - body_size)) : Slice();
  if (user_) user_->on_message(channel, method, {properties, body, whole});
  if (method.id == AMQP_BASIC_GET_OK_METHOD) answer(channel, method);
}

void Session::pass_over(ChannelId channel, std::string_view method_payload, const Error& why) {
  Method method;
  if (!decode(method_payload, method)) return;
  if (user_) user_->on_unreadable(channel, method, why);
  if (method.id == AMQP_BASIC_GET_OK_METHOD) answer(channel, method);
}

}  // namespace waybill::amqp
