#include "wire/wire.hpp"

#include "waybill/error.hpp"
#include "waybill/fields.hpp"
#include "wire/lenient_json.hpp"

#include <charconv>

namespace waybill::kafka {
namespace {

constexpr std::string_view k_disposed_value("\0", 1);

template <class Number>
bool read_number(std::string_view text, Number& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Value and the headers of the application's own.
Result<OutgoingRecord> compose_content(const Packet& packet, bool looks_for_message) {
  OutgoingRecord record;
  const bool is_json = !packet.serializer || packet.serializer->is_json();
  const bool has_value = packet.kind != PacketKind::error && packet.kind != PacketKind::no_handler;
  if (packet.has_payload && has_value) {
    if (!is_json) {
      record.content.value = packet.payload.view();
    } else if (looks_for_message) {
      auto content = encode_content(packet.payload, *packet.serializer);
      if (!content) return content.error();
      record.content = std::move(*content);
      record.partition = record.content.partition.value_or(k_any_partition);
    }
  }
  for (const auto& [name, value] : record.content.headers) record.headers.emplace_back(name, value);
  for (const auto& [name, value] : packet.headers) record.headers.emplace_back(name, std::string_view(value));
  if (!is_json) record.headers.emplace_back(k_serializer, packet.serializer->name());
  return record;
}

Result<void> apply_properties(const Packet& packet, OutgoingRecord& record) {
  if (packet.properties.empty()) return {};
  if (const std::string* key = packet.properties.find("key")) record.content.key = *key;
  if (const std::string* partition = packet.properties.find("partition")) {
    if (!read_number(*partition, record.partition) || record.partition < 0) {
      return Error(errc::invalid_config, "the property partition must be a number from 0, not \"" + *partition + '"',
                   End::rejected);
    }
  }
  return {};
}

std::string_view view_of(const Bytes& bytes) noexcept { return bytes ? *bytes : std::string_view(); }

/// Others begin with kafka_ as well, Spring's kafka_dlt-* among them: those are the application's.
bool is_ours(std::string_view name) noexcept {
  return name.starts_with("kafka_nest-") || name == k_correlation_id || name == k_reply_topic ||
         name == k_reply_partition || name == k_serializer || name == k_end;
}

void take_headers(const IncomingRecord& record, Packet& packet) {
  std::vector<Headers::Entry> own;
  for (const auto& [name, value] : record.headers) {
    if (!is_ours(name)) own.emplace_back(name, view_of(value));
  }
  if (!own.empty()) packet.headers = Headers(std::move(own));
}

/// A payload of one format from a value or a header.
Slice payload_of(Bytes bytes, const Serializer& format) {
  if (format.is_json()) return decode_value(bytes, format);
  return Slice::copy(view_of(bytes));
}

Error unknown_format(const IncomingRecord& record) {
  return Error(errc::payload_malformed,
               "a record on the topic " + std::string(record.topic) + " names a serializer that is not there: " +
                   std::string(view_of(record.find(k_serializer)->second)).substr(0, 40),
               End::rejected);
}

}  // namespace

const RecordHeader* IncomingRecord::find(std::string_view name) const noexcept {
  for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
    if (header->first == name) return &*header;
  }
  return nullptr;
}

std::string ReplyAddress::text() const {
  return topic + '/' + (partition == k_any_partition ? "" : std::to_string(partition)) + (is_waybill ? "/w" : "");
}

ReplyAddress ReplyAddress::from_text(std::string_view text) {
  ReplyAddress address;
  const std::size_t slash = text.find('/');
  address.topic = text.substr(0, slash);
  if (slash == std::string_view::npos) return address;
  std::string_view rest = text.substr(slash + 1);
  address.is_waybill = rest.ends_with("/w");
  if (address.is_waybill) rest.remove_suffix(2);
  if (!rest.empty()) read_number(rest, address.partition);
  return address;
}

Result<OutgoingRecord> compose_request(const Packet& packet, std::string_view id, std::string_view reply_topic,
                                       std::string_view partition_text) {
  auto record = compose_event(packet);
  if (!record) return record;
  record->headers.emplace_back(k_correlation_id, id);
  record->headers.emplace_back(k_reply_topic, reply_topic);
  record->headers.emplace_back(k_reply_partition, partition_text);
  return record;
}

Result<OutgoingRecord> compose_event(const Packet& packet) {
  auto record = compose_content(packet, true);
  if (!record) return record;
  if (auto applied = apply_properties(packet, *record); !applied) return applied.error();
  return record;
}

Result<OutgoingRecord> compose_reply(const Packet& packet, const ReplyAddress& to) {
  auto record = compose_content(packet, true);
  if (!record) return record;
  record->partition = to.partition;
  record->headers.emplace_back(k_correlation_id, packet.id.text);
  switch (packet.kind) {
    case PacketKind::no_handler: record->headers.emplace_back(k_error, k_no_handler_text); return record;
    case PacketKind::error: {
      Bytes bytes = packet.payload.view();
      if (packet.serializer->is_json()) {
        record->content.storage = std::make_unique<std::string[]>(1);
        auto encoded = encode_value(packet.payload, *packet.serializer, record->content.storage[0]);
        if (!encoded) return encoded.error();
        bytes = *encoded;
      }
      record->headers.emplace_back(k_error, bytes);
      record->headers.emplace_back(k_disposed, k_disposed_value);
      return record;
    }
    case PacketKind::end:
      record->headers.emplace_back(k_disposed, k_disposed_value);
      if (to.is_waybill) record->headers.emplace_back(k_end, "1");
      return record;
    default:
      if (packet.last) record->headers.emplace_back(k_disposed, k_disposed_value);
      return record;
  }
}

namespace {

/// Whole characters of UTF-8.
std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= k_most_error_text) return text;
  std::size_t end = k_most_error_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

OutgoingRecord compose_replay(const IncomingRecord& record) {
  OutgoingRecord out;
  out.content.key = record.key;
  out.content.value = record.value;
  for (const RecordHeader& header : record.headers) {
    const std::string_view name = header.first;
    if (name != header::k_error && name != header::k_origin && name != header::k_attempt) out.headers.push_back(header);
  }
  return out;
}

OutgoingRecord compose_dead(const IncomingRecord& record, std::string_view error, int attempts) {
  OutgoingRecord out = compose_replay(record);
  out.content.storage = std::make_unique<std::string[]>(1);
  out.content.storage[0] = std::to_string(attempts);
  out.headers.emplace_back(header::k_error, cut(error));
  out.headers.emplace_back(header::k_origin, record.topic);
  out.headers.emplace_back(header::k_attempt, std::string_view(out.content.storage[0]));
  return out;
}

Formats Formats::of(const Serializer& own, const Registry& registry) {
  const Serializer* json = own.is_json() ? &own : registry.find_serializer("json");
  if (!json || !json->is_json()) return {&own, &own, &registry};
  return {&lenient(*json), json, &registry};
}

const Serializer* Formats::of_record(const IncomingRecord& record) const noexcept {
  const RecordHeader* named = record.find(k_serializer);
  return named ? registry->find_serializer(view_of(named->second)) : plain;
}

Result<Packet> parse_delivery(const IncomingRecord& record, const Formats& formats, bool may_be_request,
                              ReplyAddress& reply_to) {
  Packet packet;
  packet.serializer = formats.of_record(record);
  if (!packet.serializer) return unknown_format(record);
  packet.payload = payload_of(record.value, *packet.serializer);
  packet.has_payload = record.value || packet.serializer->is_json();
  packet.has_pattern = true;
  packet.pattern.text = packet.route = record.topic;
  take_headers(record, packet);
  if (record.key) packet.properties.set("key", *record.key);
  packet.properties.set("partition", std::to_string(record.partition));
  if (record.value && record.value->starts_with('\0')) packet.properties.set("binary", "true");
  const RecordHeader* id = record.find(k_correlation_id);
  const RecordHeader* topic = record.find(k_reply_topic);
  if (!may_be_request || !id || !id->second || !topic || view_of(topic->second).empty()) return packet;
  packet.kind = PacketKind::request;
  packet.id.text = *id->second;
  reply_to.topic = view_of(topic->second);
  if (const RecordHeader* partition = record.find(k_reply_partition)) {
    if (!read_number(view_of(partition->second), reply_to.partition) || reply_to.partition < 0) {
      reply_to.partition = k_any_partition;
    }
  }
  reply_to.is_waybill = packet.headers.find(header::k_deadline) != nullptr;
  return packet;
}

Result<Packet> parse_reply(const IncomingRecord& record, const Formats& formats) {
  Packet packet;
  packet.kind = PacketKind::value;
  packet.serializer = formats.of_record(record);
  if (!packet.serializer) return unknown_format(record);
  if (const RecordHeader* id = record.find(k_correlation_id)) packet.id.text = view_of(id->second);
  take_headers(record, packet);
  if (const RecordHeader* error = record.find(k_error)) {
    packet.last = true;
    if (view_of(error->second).empty()) {  // NestJS: no error, and no value either
      packet.kind = PacketKind::end;
      return packet;
    }
    packet.has_payload = true;
    packet.kind = PacketKind::error;
    if (*error->second == k_no_handler_text && !packet.serializer->is_json()) {
      Buffer text;
      if (packet.serializer->encode(ValueRef::of(k_no_handler_text), text)) packet.payload = text.take();
    } else {
      if (packet.serializer == formats.plain) packet.serializer = formats.strict;
      packet.payload = payload_of(error->second, *packet.serializer);
    }
    return packet;
  }
  packet.last = record.find(k_disposed) != nullptr;
  const bool closes_only = packet.last && !record.value && record.find(k_end);
  if (closes_only) {
    packet.kind = PacketKind::end;
    return packet;
  }
  packet.payload = payload_of(record.value, *packet.serializer);
  packet.has_payload = record.value || packet.serializer->is_json();
  return packet;
}

bool is_stale(const IncomingRecord& record, std::int64_t now) noexcept {
  const RecordHeader* const header = record.timestamp > 0 ? record.find(header::k_deadline) : nullptr;
  if (!header || !header->second) return false;
  std::int64_t waits = 0;
  const std::string_view text = *header->second;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), waits);
  if (read.ec != std::errc() || waits <= 0 || waits > now) return false;
  return now - record.timestamp > waits + k_clock_tolerance;
}

int attempt_of(const IncomingRecord& record) noexcept {
  int attempt = 1;
  if (const RecordHeader* header = record.find(header::k_attempt)) read_number(view_of(header->second), attempt);
  return attempt < 1 ? 1 : attempt;
}

}  // namespace waybill::kafka
