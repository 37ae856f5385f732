// Any layout of a packet, and everything that is no packet, classified as NestJS does.
#include "json_number.hpp"
#include "json_packet.hpp"
#include "json_scan.hpp"
#include "json_text.hpp"
#include "waybill/detail/walk_common.hpp"

namespace waybill::json {
namespace {

/// What a packet's views may point into besides its bytes: texts without their escapes, and bytes that were no UTF-8.
struct ThreadStorage {
  std::string key;
  std::string pattern;
  std::string id;
  Slice replaced;
};
thread_local ThreadStorage thread_storage;

/// The members of a packet, as JSON texts; empty: absent. The last of equal names wins, as in JSON.parse.
struct Members {
  std::string_view pattern, data, metadata, id, response, is_disposed, err;
  bool has_status = false;
  bool has_other = false;
  bool is_empty = true;

  void set(std::string_view name, std::string_view value) {
    is_empty = false;
    if (name == "pattern") {
      pattern = value;
    } else if (name == "data") {
      data = value;
    } else if (name == "metadata") {
      metadata = value;
    } else if (name == "id") {
      id = value;
    } else if (name == "response") {
      response = value;
    } else if (name == "isDisposed") {
      is_disposed = value;
    } else if (name == "err") {
      err = value;
    } else if (name == "status") {
      has_status = true;
    } else {
      has_other = true;
    }
  }
};

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

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
Members members_of(std::string_view object) {
  Members members;
  const char* const end = object.data() + object.size();
  const char* at = skip_space(object.data() + 1, end);
  while (*at == '"') {
    const char* name_end = scan_value(at, end).end;
    const std::string_view name = content_of(between(at, name_end), thread_storage.key);
    const char* value = skip_space(skip_space(name_end, end) + 1, end);  // behind the colon
    const char* value_end = scan_value(value, end).end;
    members.set(name, between(value, value_end));
    at = skip_space(value_end, end);
    if (*at == ',') at = skip_space(at + 1, end);
  }
  return members;
}

void set_payload(const Slice& bytes, std::string_view value, Packet& packet) {
  if (value.empty()) return;
  packet.payload = bytes.part(value);
  packet.has_payload = true;
}

void classify_call(const Slice& bytes, std::string_view text, const Members& members, Packet& packet) {
  packet.kind = PacketKind::event;
  if (members.pattern.empty() && members.data.empty()) return set_payload(bytes, text, packet);  // foreign
  if (!members.id.empty()) {
    packet.kind = PacketKind::request;
    packet.id = term_of(members.id, thread_storage.id);
  }
  if (!members.pattern.empty()) {
    packet.has_pattern = true;
    packet.pattern = term_of(members.pattern, thread_storage.pattern);
  }
  if (!members.metadata.empty()) packet.metadata = bytes.part(members.metadata);
  set_payload(bytes, members.data, packet);
}

void classify_reply(const Slice& bytes, std::string_view text, const Members& members, Packet& packet) {
  packet.kind = PacketKind::value;
  packet.id = members.id.empty() ? Term{{}, true} : term_of(members.id, thread_storage.id);
  const bool is_foreign = members.is_empty || members.has_other || !members.pattern.empty() ||
                          !members.data.empty() || !members.metadata.empty();
  if (is_foreign) {
    packet.last = true;
    return set_payload(bytes, text, packet);
  }
  if (is_truthy(members.err)) {
    const bool is_text = members.err.front() == '"';
    const bool nobody = is_text && content_of(members.err, thread_storage.key) == k_no_handler_text;
    packet.kind = nobody ? PacketKind::no_handler : PacketKind::error;
    return set_payload(bytes, members.err, packet);
  }
  const bool ends = is_truthy(members.is_disposed);
  if (ends && members.response.empty()) {
    packet.kind = PacketKind::end;
    return;
  }
  packet.last = ends;
  set_payload(bytes, members.response, packet);
}

Error malformed(const char* why) {
  return Error(errc::payload_malformed, std::string("the packet is not valid JSON: ") + why, End::rejected);
}

}  // namespace

Result<void> parse_any_layout(const Slice& bytes, Direction direction, Packet& packet) {
  const Serializer* const serializer = packet.serializer;
  packet = Packet();
  packet.serializer = serializer;
  if (!is_utf8(bytes.view())) {
    thread_storage.replaced = Slice::copy(replace_invalid_utf8(bytes.view()));
    const Slice replaced = thread_storage.replaced;
    return parse_any_layout(replaced, direction, packet);
  }
  const char* const end = bytes.data() + bytes.size();
  const char* const start = skip_space(bytes.data(), end);
  if (start == end) return malformed("it is empty");
  const Scan scan = scan_value(start, end);
  if (scan.outcome == Scan::Outcome::too_deep) {
    return Error(errc::too_large, "the packet is nested deeper than " + std::to_string(detail::k_max_depth),
                 End::rejected);
  }
  if (scan.outcome != Scan::Outcome::ok) return malformed(scan.end == end ? "it ends too early" : "a wrong character");
  if (skip_space(scan.end, end) != end) return malformed("something follows its value");

  const std::string_view text = between(start, scan.end);
  const Members members = *start == '{' ? members_of(text) : Members{};
  if (direction == Direction::to_service) {
    classify_call(bytes, text, members, packet);
  } else {
    classify_reply(bytes, text, members, packet);
  }
  return {};
}

}  // namespace waybill::json
