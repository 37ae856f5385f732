#include "waybill/format/packet_members.hpp"

#include "waybill/error.hpp"

#include <cstdint>
#include <cstring>

namespace waybill::format {
namespace {

/// Room of this thread for texts of a packet that do not stand in its bytes as they are.
struct ThreadStorage {
  std::string pattern;
  std::string id;
  std::string err;
  Buffer kept;  // of the packet that was parsed last, as long as it lives
};
thread_local ThreadStorage thread_storage;

bool is_in(std::string_view text, const std::string& storage) noexcept {
  return !text.empty() && text.data() >= storage.data() && text.data() < storage.data() + storage.size();
}

/// Gives the packet what it sees of the thread's room: a handler may make a call of its own, whose reply is parsed on
/// this thread, while the packet is in use. The memory is used again when the packet has gone.
void keep_terms(Packet& packet) {
  const bool has_pattern = is_in(packet.pattern.text, thread_storage.pattern);
  const bool has_id = is_in(packet.id.text, thread_storage.id);
  if (!has_pattern && !has_id) [[likely]]
    return;
  Buffer& kept = thread_storage.kept;
  if (kept.is_shared()) kept = Buffer();
  kept.clear();
  if (has_pattern) kept.append(packet.pattern.text);
  if (has_id) kept.append(packet.id.text);
  const std::string_view all = kept.view();
  if (has_id) packet.id.text = all.substr(all.size() - packet.id.text.size());
  if (has_pattern) packet.pattern.text = all.substr(0, packet.pattern.text.size());
  packet.keep(kept.share());
}

void set_payload(const Slice& bytes, std::string_view value, Packet& packet) {
  if (value.empty()) return;
  packet.payload = bytes.part(value);
  packet.has_payload = true;
}

void classify_call(const Slice& bytes, std::string_view whole, const PacketMembers& members, const PacketFormat& format,
                   Packet& packet) {
  packet.kind = PacketKind::event;
  if (members.pattern.empty() && members.data.empty()) return set_payload(bytes, whole, packet);  // foreign
  if (!members.id.empty()) {
    packet.kind = PacketKind::request;
    packet.id = format.term(members.id, thread_storage.id);
  }
  if (!members.pattern.empty()) {
    packet.has_pattern = true;
    packet.pattern = format.term(members.pattern, thread_storage.pattern);
  }
  if (!members.metadata.empty()) packet.metadata = bytes.part(members.metadata);
  set_payload(bytes, members.data, packet);
}

void classify_reply(const Slice& bytes, std::string_view whole, const PacketMembers& members,
                    const PacketFormat& format, Packet& packet) {
  packet.kind = PacketKind::value;
  packet.id = members.id.empty() ? k_no_id : format.term(members.id, thread_storage.id);
  const bool is_foreign = members.is_empty || members.has_other || !members.pattern.empty() || !members.data.empty() ||
                          !members.metadata.empty();
  if (is_foreign) {
    packet.last = true;
    return set_payload(bytes, whole, packet);
  }
  if (!members.err.empty() && format.is_truthy(members.err)) {
    const Term text = format.term(members.err, thread_storage.err);
    packet.kind = !text.is_json && text.text == k_no_handler_text ? PacketKind::no_handler : PacketKind::error;
    return set_payload(bytes, members.err, packet);
  }
  const bool ends = !members.is_disposed.empty() && format.is_truthy(members.is_disposed);
  if (ends && members.response.empty()) {
    packet.kind = PacketKind::end;
    return;
  }
  packet.last = ends;
  set_payload(bytes, members.response, packet);
}

}  // namespace

void PacketMembers::set(std::string_view name, std::string_view value) {
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
  } else if (name != "status") {
    has_other = true;
  }
}

void classify_packet(const Slice& bytes, std::string_view whole, const PacketMembers* members, Direction direction,
                     const PacketFormat& format, Packet& packet) {
  const PacketMembers none;
  if (direction == Direction::to_service) {
    classify_call(bytes, whole, members ? *members : none, format, packet);
  } else {
    classify_reply(bytes, whole, members ? *members : none, format, packet);
  }
  keep_terms(packet);
}

}  // namespace waybill::format
