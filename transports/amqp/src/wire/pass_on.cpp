#include "wire/pass_on.hpp"

#include "waybill/error.hpp"
#include "wire/table.hpp"

#include <array>
#include <string>

namespace waybill::amqp {
namespace {

constexpr std::array<std::string_view, 8> k_left_out{header::k_attempt,
                                                     header::k_resent,
                                                     header::k_error,
                                                     header::k_origin,
                                                     k_delivery_count,
                                                     k_user_header,
                                                     "CC",
                                                     "BCC"};

/// At most `most` bytes, and no part of a character at the end.
std::string_view cut(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

bool append_marked_table(Buffer& out, const Properties& properties, const Marks& marks, std::size_t longest_error) {
  const std::size_t start = out.size();
  store<std::uint32_t>(out.prepare(4), 0);
  out.commit(4);
  std::string_view user;
  const std::string_view table = properties.headers.value_or(std::string_view());
  if (!copy_entries(out, table, k_left_out, k_user_header, user)) return false;
  if (properties.user_id) user = *properties.user_id;
  if (!user.empty()) append_entry(out, k_user_header, user);
  if (marks.attempt) append_entry(out, header::k_attempt, std::to_string(marks.attempt));
  if (!marks.route.empty()) append_entry(out, k_route_header, marks.route);
  if (marks.is_dead()) {
    append_entry(out, header::k_error, cut(marks.error, longest_error));
    append_entry(out, header::k_origin, marks.origin);
  }
  store<std::uint32_t>(out.data() + start, static_cast<std::uint32_t>(out.size() - start - 4));
  return true;
}

Result<Layout> append_copy(Buffer& out, const Envelope& envelope, std::string_view message, const Properties& came,
                           const Marks& marks, std::uint32_t frame_max, std::size_t longest_error) {
  const std::size_t start = out.size();
  const auto failed = [&out, start](errc code, const char* why) {
    out.truncate(start);
    return Error(code, why, End::rejected);
  };
  Layout layout;
  append_publish(out, envelope.channel, envelope.exchange, envelope.routing_key, envelope.mandatory);
  layout.header_at = out.size() - start;
  HeaderFrame frame(out, envelope.channel);
  frame.text(flag::k_content_type, came.content_type);
  frame.text(flag::k_content_encoding, came.content_encoding);
  layout.table_at = frame.table() - start;
  if (!append_marked_table(out, came, marks, longest_error))
    return failed(errc::payload_malformed, "the headers of the message are no table");
  frame.number(flag::k_delivery_mode, marks.is_dead() ? std::uint8_t{2} : came.delivery_mode);
  frame.number(flag::k_priority, came.priority);
  frame.text(flag::k_correlation_id, came.correlation_id);
  frame.text(flag::k_reply_to, came.reply_to);
  if (!marks.is_dead()) frame.text(flag::k_expiration, came.expiration);
  frame.text(flag::k_message_id, came.message_id);
  frame.number(flag::k_timestamp, came.timestamp);
  frame.text(flag::k_type, came.type);
  frame.text(flag::k_app_id, came.app_id);
  frame.finish();
  if (frame.size() > frame_max) return failed(errc::too_large, "its headers do not fit into a frame of the broker");
  layout.body_at = out.size() - start;
  begin_body(out);
  out.append(message.substr(message.size() - static_cast<std::size_t>(came.body_size)));
  close_message(out, start, layout, envelope.channel, frame_max);
  return layout;
}

}  // namespace

Result<Layout> append_again(Buffer& out, const Envelope& envelope, std::string_view message, const Marks& marks,
                            std::uint32_t frame_max) {
  Properties came;
  if (!read_properties(message, came) || came.body_size > message.size())
    return Error(errc::payload_malformed, "the message has no properties", End::rejected);
  auto appended = append_copy(out, envelope, message, came, marks, frame_max, k_longest_error);
  if (appended || appended.error().code() != errc::too_large || marks.error.empty()) return appended;
  return append_copy(out, envelope, message, came, marks, frame_max, 0);  // better parked without a reason than not
}

Result<Layout> append_bare(Buffer& out, const Envelope& envelope, std::string_view message, const Marks& marks,
                           std::uint32_t frame_max) {
  Properties came, kept;
  read_properties(message, came);
  kept.body_size = came.body_size <= message.size() ? came.body_size : 0;
  kept.delivery_mode = came.delivery_mode;
  kept.correlation_id = came.correlation_id;
  kept.reply_to = came.reply_to;
  return append_copy(out, envelope, message, kept, marks, frame_max, 255);
}

}  // namespace waybill::amqp
