// Any layout of a packet, and everything that is no packet, classified as NestJS does.
#include "json_find.hpp"
#include "json_number.hpp"
#include "json_packet.hpp"
#include "json_scan.hpp"
#include "json_text.hpp"
#include "waybill/format/coding.hpp"
#include "waybill/format/packet_members.hpp"

namespace waybill::json {
namespace {

thread_local std::string thread_key;  // the name of a member that has escapes, while it is looked at

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

/// The content of a checked text, in `storage` if it has escapes.
std::string_view content_of(std::string_view quoted, std::string& storage) {
  const std::string_view content = quoted.substr(1, quoted.size() - 2);
  if (content.find('\\') == std::string_view::npos) return content;
  storage.clear();
  append_unescaped(content, storage);
  return storage;
}

Term term_of(std::string_view value, std::string& storage) {
  return value.front() == '"' ? Term{content_of(value, storage), false} : Term{value, true};
}

/// As JavaScript sees it in a condition.
bool is_truthy(std::string_view value) {
  if (value.empty() || value == "null" || value == "false" || value == "\"\"") return false;
  double number = 1;
  return !is_number(value) || !read_number(value, number) || number != 0;
}

/// Splits a checked object.
format::PacketMembers members_of(std::string_view object) {
  format::PacketMembers members;
  const char* const end = object.data() + object.size();
  const char* at = skip_space(object.data() + 1, end);
  while (*at == '"') {
    const char* name_end = scan_value(at, end).end;
    const std::string_view name = content_of(between(at, name_end), thread_key);
    const char* value = skip_space(skip_space(name_end, end) + 1, end);  // behind the colon
    const char* value_end = scan_any_depth(value, end).end;
    members.set(name, between(value, value_end));
    at = skip_space(value_end, end);
    if (*at == ',') at = skip_space(at + 1, end);
  }
  return members;
}

constexpr format::PacketFormat k_format{&term_of, &is_truthy};

Error malformed(const char* why) {
  return Error(errc::payload_malformed, std::string("the packet is not valid JSON: ") + why, End::rejected);
}

}  // namespace

Result<void> parse_any_layout(const Slice& bytes, Direction direction, Packet& packet) {
  const Serializer* const serializer = packet.serializer;
  packet = Packet();
  packet.serializer = serializer;
  if (!bytes.is_known_utf8() && !is_utf8(bytes.view())) {
    const Slice replaced = Slice::copy(replace_invalid_utf8(bytes.view()));
    if (Result<void> parsed = parse_any_layout(replaced, direction, packet); !parsed) return parsed;
    packet = packet.own();  // what it sees is in `replaced`
    return {};
  }
  const char* const end = bytes.data() + bytes.size();
  const char* const start = skip_space(bytes.data(), end);
  if (start == end) return malformed("it is empty");
  const Scan scan = scan_any_depth(start, end);
  if (scan.outcome != Scan::Outcome::ok) return malformed(scan.end == end ? "it ends too early" : "a wrong character");
  if (skip_space(scan.end, end) != end) return malformed("something follows its value");

  const std::string_view text = between(start, scan.end);
  if (*start == '{') {
    const format::PacketMembers members = members_of(text);
    format::classify_packet(bytes, text, &members, direction, k_format, packet);
  } else {
    format::classify_packet(bytes, text, nullptr, direction, k_format, packet);
  }
  return {};
}

}  // namespace waybill::json
