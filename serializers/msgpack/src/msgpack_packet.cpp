#include "msgpack_packet.hpp"

#include "msgpack_cursor.hpp"
#include "msgpack_terms.hpp"
#include "msgpack_writer.hpp"
#include "waybill/format/packet_members.hpp"
#include "waybill/format/utf8.hpp"

namespace waybill::msgpack {
namespace {

/// Counts or writes the members of a packet, so that both say the same.
class Envelope {
 public:
  Envelope(const Packet& packet, Buffer& out) : packet_(packet), out_(out), stream_(out), packer_(stream_) {}

  void compose() {
    std::uint32_t count = 0;
    is_counting_ = true;
    members(count);
    packer_.pack_map(count);
    is_counting_ = false;
    members(count);
  }

 private:
  /// True when the value is to be written behind the name.
  bool member(std::string_view name, std::uint32_t& count) {
    if (is_counting_) return ++count, false;
    pack_text(packer_, name);
    return true;
  }
  void term(std::string_view name, Term value, std::uint32_t& count) {
    if (!member(name, count)) return;
    if (!value.is_json) return text(value.text);
    if (!pack_json(value.text, out_)) packer_.pack_nil();
  }
  void text(std::string_view value) { pack_text(packer_, value); }
  void raw(std::string_view name, const Slice& value, std::uint32_t& count) {
    if (member(name, count)) out_.append(value.view());
  }
  void id(std::uint32_t& count) {
    if (packet_.id.is_json && packet_.id.text.empty()) return;  // format::k_no_id
    term("id", packet_.id, count);
  }
  void is_disposed(std::uint32_t& count) {
    if (member("isDisposed", count)) packer_.pack_true();
  }

  /// Headers become metadata; when there is metadata already and it is a map, they join it, else it wins.
  void metadata(std::uint32_t& count) {
    const std::string_view own = packet_.metadata.view();
    if (own.empty() && packet_.headers.empty()) return;
    if (!member("metadata", count)) return;
    const Head head = own.empty() ? Head{} : read_head(own.data(), own.data() + own.size());
    if (!own.empty() && (packet_.headers.empty() || head.type != Type::map)) return out_.append(own);
    packer_.pack_map(head.count + static_cast<std::uint32_t>(packet_.headers.size()));
    if (!own.empty()) out_.append(own.substr(static_cast<std::size_t>(head.next - own.data())));
    for (const auto& [name, value] : packet_.headers) {
      text(name);
      text(value);
    }
  }

  void members(std::uint32_t& count) {
    switch (packet_.kind) {
      case PacketKind::request:
      case PacketKind::event:
        if (packet_.has_pattern || !packet_.has_payload) {
          term("pattern", packet_.has_pattern ? packet_.pattern : Term{"null", true}, count);
        }
        if (packet_.has_payload) raw("data", packet_.payload, count);
        metadata(count);
        if (packet_.kind == PacketKind::request) id(count);
        return;
      case PacketKind::value:
        if (packet_.has_payload) raw("response", packet_.payload, count);
        if (packet_.last) is_disposed(count);
        return id(count);
      case PacketKind::error:
        if (packet_.has_payload) {
          raw("err", packet_.payload, count);
        } else if (member("err", count)) {
          packer_.pack_map(0);
        }
        is_disposed(count);
        return id(count);
      case PacketKind::end: is_disposed(count); return id(count);
      case PacketKind::no_handler:
        id(count);
        if (member("status", count)) text("error");
        if (member("err", count)) text(k_no_handler_text);
        return;
    }
  }

  const Packet& packet_;
  Buffer& out_;
  BufferStream stream_;
  Packer packer_;
  bool is_counting_ = false;
};

Term term_of(std::string_view value, std::string& storage) {
  const Head head = read_head(value.data(), value.data() + value.size());
  if (head.type == Type::text) return {head.content, false};
  storage.clear();
  if (!append_json(value, storage)) return {"null", true};
  return {storage, true};
}

bool is_truthy(std::string_view value) {
  const Head head = read_head(value.data(), value.data() + value.size());
  switch (head.type) {
    case Type::null: return false;
    case Type::boolean: return head.flag;
    case Type::integer: return head.integer != 0;
    case Type::natural: return head.natural != 0;
    case Type::number: return head.number < 0 || head.number > 0;
    case Type::text: return !head.content.empty();
    default: return true;
  }
}

constexpr format::PacketFormat k_format{&term_of, &is_truthy};

Error malformed() { return Error(errc::payload_malformed, "the packet is not valid MessagePack", End::rejected); }

}  // namespace

void compose(const Packet& packet, Buffer& out) { Envelope(packet, out).compose(); }

Result<void> parse(const Slice& bytes, Direction direction, Packet& packet) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  const Head head = read_head(at, end);
  if (head.type != Type::map) {
    if (!skip_any_depth(at, end) || at != end) return malformed();
    format::classify_packet(bytes, bytes.view(), nullptr, direction, k_format, packet);
    return {};
  }
  format::PacketMembers members;
  at = head.next;
  for (std::uint32_t i = 0; i < head.count; ++i) {
    const Head name = read_head(at, end);
    if (!skip_any_depth(at, end)) return malformed();
    const char* const value = at;
    if (!skip_any_depth(at, end)) return malformed();
    members.set(name.type == Type::text ? name.content : std::string_view(),
                {value, static_cast<std::size_t>(at - value)});
  }
  if (at != end) return malformed();
  for (const std::string_view term : {members.pattern, members.id}) {
    const Head text = read_head(term.data(), term.data() + term.size());
    if (text.type == Type::text && !format::is_utf8(text.content)) return malformed();
  }
  format::classify_packet(bytes, bytes.view(), &members, direction, k_format, packet);
  return {};
}

}  // namespace waybill::msgpack
