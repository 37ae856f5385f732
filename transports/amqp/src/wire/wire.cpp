#include "wire/wire.hpp"

#include "protocol/message_frames.hpp"
#include "waybill/error.hpp"
#include "waybill/format/packet_members.hpp"
#include "wire/message_options.hpp"
#include "wire/table.hpp"
#include "wire/typed_headers.hpp"

#include <algorithm>
#include <charconv>

namespace waybill::amqp {
namespace {

constexpr std::int64_t k_most_attempts = 1'000'000;

/// Whatever is there, with the packet's headers in between. Gives where these are.
Result<std::size_t> append_properties(Buffer& out, HeaderFrame& frame, const Properties& properties,
                                      const Packet& packet, const Serializer& own) {
  frame.text(flag::k_content_type, properties.content_type);
  frame.text(flag::k_content_encoding, properties.content_encoding);
  const std::size_t table_at = frame.table();
  if (auto appended = append_headers(out, packet, own); !appended) return appended.error();
  frame.number(flag::k_delivery_mode, properties.delivery_mode);
  frame.number(flag::k_priority, properties.priority);
  frame.text(flag::k_correlation_id, properties.correlation_id);
  frame.text(flag::k_reply_to, properties.reply_to);
  frame.text(flag::k_expiration, properties.expiration);
  frame.text(flag::k_message_id, properties.message_id);
  frame.number(flag::k_timestamp, properties.timestamp);
  frame.text(flag::k_type, properties.type);
  frame.text(flag::k_user_id, properties.user_id);
  frame.text(flag::k_app_id, properties.app_id);
  frame.finish();
  return table_at;
}

Error too_long(std::string_view what) {
  return Error(errc::too_large, "amqp cannot carry " + std::string(what) + " of more than 255 bytes", End::rejected);
}

Result<void> check(const Envelope& envelope) {
  if (envelope.routing_key.size() > 255 || envelope.exchange.size() > 255) return too_long("a pattern or name");
  if (envelope.correlation_id && envelope.correlation_id->size() > 255) return too_long("an id");
  if (envelope.reply_to.size() > 255) return too_long("a reply address");
  return {};
}

/// Appends all but the body; the body goes where `body_at` says, behind room for the head of a frame.
Result<Layout> append_front(Buffer& out, const Envelope& envelope, bool mandatory, const Properties& properties,
                            const Packet& packet, const Serializer& own, std::uint32_t frame_max) {
  const std::size_t start = out.size();
  Layout layout;
  append_publish(out, envelope.channel, envelope.exchange, envelope.routing_key, mandatory);
  layout.header_at = out.size() - start;
  HeaderFrame frame(out, envelope.channel);
  const auto table_at = append_properties(out, frame, properties, packet, own);
  if (!table_at) {
    out.truncate(start);
    return table_at.error();
  }
  layout.table_at = *table_at - start;
  if (frame.size() > frame_max) {
    out.truncate(start);
    return Error(errc::too_large, "the headers of the message have more than " + std::to_string(frame_max) + " bytes",
                 End::rejected);
  }
  layout.body_at = out.size() - start;
  begin_body(out);
  return layout;
}

/// NestJS has the same members on RabbitMQ as elsewhere, in another order.
void compose_no_handler(const Packet& packet, Buffer& out) {
  packet.serializer->compose(packet, out);
  std::string usual = R"(,"status":"error","err":")", ours = R"(,"err":")";
  (usual += k_no_handler_text) += R"("})";
  (ours += k_no_handler_text) += R"(","status":"error"})";
  if (!out.view().ends_with(usual)) return;
  out.truncate(out.size() - usual.size());
  out.append(ours);
}

/// The packet of a body: headers travel outside, and ids only where NestJS has them.
void compose_body(const Packet& packet, const Serializer& own, Buffer& out) {
  if (packet.kind == PacketKind::event && !packet.has_pattern) return out.append(packet.payload.view());  // foreign
  Packet body;
  body.kind = packet.kind;
  body.last = packet.last;
  body.has_payload = packet.has_payload;
  body.has_pattern = packet.has_pattern;
  body.pattern = packet.pattern;
  const bool has_id = packet.kind == PacketKind::request || packet.kind == PacketKind::no_handler;
  body.id = has_id ? packet.id : format::k_no_id;
  body.payload = packet.payload;
  body.metadata = packet.metadata;
  body.serializer = packet.serializer ? packet.serializer : &own;
  if (packet.kind == PacketKind::no_handler) return compose_no_handler(body, out);
  body.serializer->compose(body, out);
}

}  // namespace

Result<Layout> append_message(Buffer& out, const Envelope& envelope, const Packet& packet, const Serializer& own,
                              std::uint32_t frame_max) {
  if (auto checked = check(envelope); !checked) return checked.error();
  Properties properties;
  const Serializer& format = packet.serializer ? *packet.serializer : own;
  if (!format.is_json()) properties.content_type = format.content_type();
  if (envelope.delivery_mode) properties.delivery_mode = envelope.delivery_mode;
  if (!envelope.reply_to.empty()) properties.reply_to = envelope.reply_to;
  char digits[20];
  if (packet.kind == PacketKind::request && packet.deadline.count() > 0) {
    const auto wait = std::min<std::int64_t>(packet.deadline.count(), UINT32_MAX);
    const auto end = std::to_chars(digits, digits + sizeof digits, wait).ptr;
    properties.expiration = std::string_view(digits, static_cast<std::size_t>(end - digits));
  }
  bool mandatory = envelope.mandatory;
  if (!packet.properties.empty()) {
    if (auto read = read_message_options(packet.properties, properties, mandatory); !read) return read.error();
  }
  if (envelope.correlation_id) properties.correlation_id = envelope.correlation_id;  // ours, whatever was asked for
  const std::size_t start = out.size();
  auto layout = append_front(out, envelope, mandatory, properties, packet, own, frame_max);
  if (!layout) return layout;
  compose_body(packet, own, out);
  close_message(out, start, *layout, envelope.channel, frame_max);
  return layout;
}

Formats::Formats(const Serializer& own, const Registry& registry) noexcept : own_(&own), registry_(&registry) {
  const Serializer* json = own.is_json() ? &own : registry.find_serializer("json");
  plain_ = json ? json : &own;
}

const Serializer* Formats::of(const Properties& properties) const noexcept {
  if (!properties.content_type || properties.content_type->empty()) return plain_;
  std::string_view type = *properties.content_type;
  type = type.substr(0, type.find(';'));
  if (type == own_->content_type()) return own_;
  if (!type.starts_with("application/")) return plain_;
  type.remove_prefix(std::string_view("application/").size());
  if (type.starts_with("x-")) type.remove_prefix(2);
  const Serializer* const named = registry_->find_serializer(type);
  return named ? named : plain_;
}

Result<void> parse_delivery(const Properties& properties, const Slice& body, const Formats& formats, Packet& packet) {
  const Serializer& format = *formats.of(properties);
  auto parsed = format.parse(body, Direction::to_service, packet);
  if (!parsed) {
    packet.kind = PacketKind::event;
    packet.has_pattern = false;
    packet.has_payload = true;
    packet.payload = body;
  }
  packet.serializer = &format;
  std::string typed;
  if (properties.headers && !read_table(*properties.headers, packet.headers, typed)) {
    return Error(errc::payload_malformed, "the headers of the message are no table", End::rejected);
  }
  if (!typed.empty()) packet.properties.set("headers", typed);
  write_message_options(properties, packet.properties);
  if (packet.kind != PacketKind::request && properties.expiration)
    packet.properties.set("expiration", *properties.expiration);
  if (packet.kind == PacketKind::request && properties.expiration) {
    const std::string_view text = *properties.expiration;
    std::uint32_t milliseconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), milliseconds);
    packet.deadline = std::chrono::milliseconds(milliseconds);
  }
  return parsed;
}

Result<void> parse_reply(const Properties& properties, const Slice& body, const Formats& formats, Buffer& scratch,
                         Packet& packet) {
  const Serializer& format = *formats.of(properties);
  auto parsed = format.parse(body, Direction::to_client, packet);
  if (!parsed) {
    // NestJS takes what is no JSON for a text, and the text for the answer.
    scratch.clear();
    const std::string_view text = body.view();
    if (!format.is_json() || !format.encode(ValueRef::of(text), scratch)) return parsed;
    packet.kind = PacketKind::value;
    packet.last = packet.has_payload = true;
    packet.payload = scratch.borrow();
  }
  packet.serializer = &format;
  packet.id = {properties.correlation_id.value_or(std::string_view()), false};
  std::string typed;
  if (properties.headers && !read_table(*properties.headers, packet.headers, typed))
    return Error(errc::payload_malformed, "the headers of the reply are no table", End::unknown);
  return {};
}

int attempt_of(const Headers& headers) noexcept {
  const auto number = [&headers](std::string_view name, std::int64_t otherwise) {
    const std::string* text = headers.find(name);
    std::int64_t value = otherwise;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return std::clamp<std::int64_t>(value, otherwise, k_most_attempts);
  };
  return static_cast<int>(std::min(k_most_attempts, number(header::k_attempt, 1) + number(k_delivery_count, 0)));
}

bool is_reply_address(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 255 && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace waybill::amqp
