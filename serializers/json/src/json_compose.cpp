#include "json_find.hpp"
#include "json_packet.hpp"
#include "json_text.hpp"

#include <cstring>

namespace waybill::json {
namespace {

/// Writes into room that was made before.
class Put {
 public:
  explicit Put(char* at) : at_(at) {}
  template <std::size_t N>
  Put& literal(const char (&text)[N]) {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
    return *this;
  }
  Put& bytes(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  const char* end() const noexcept { return at_; }

 private:
  char* at_;
};

bool is_plain_text(const Term& term) noexcept { return !term.is_json && is_plain(term.text); }

/// Nearly every packet is one of these: a call with a payload, and its reply. False: it is not, nothing is written.
bool compose_usual(const Packet& packet, Buffer& out) {
  const bool is_call = packet.kind == PacketKind::request || packet.kind == PacketKind::event;
  if (!packet.has_payload || (!is_call && packet.kind != PacketKind::value)) return false;
  const bool has_id = packet.kind != PacketKind::event;
  if (has_id && !is_plain_text(packet.id)) return false;
  const std::size_t room = packet.payload.size() + packet.pattern.text.size() + packet.id.text.size() + 64;
  char* const start = out.prepare(room);
  Put put(start);
  if (is_call) {
    if (!packet.has_pattern || !packet.headers.empty() || !packet.metadata.empty()) return false;
    if (!is_plain_text(packet.pattern)) return false;
    put.literal("{\"pattern\":\"").bytes(packet.pattern.text).literal("\",\"data\":");
  } else {
    put.literal("{\"response\":");
  }
  put.bytes(packet.payload.view());
  if (!is_call && packet.last) put.literal(",\"isDisposed\":true");
  if (has_id) put.literal(",\"id\":\"").bytes(packet.id.text).literal("\"");
  put.literal("}");
  out.commit(static_cast<std::size_t>(put.end() - start));
  return true;
}

void append(Term term, Buffer& out) {
  if (term.is_json) {
    out.append(term.text);
  } else if (!append_quoted(term.text, out)) {
    append_quoted(replace_invalid_utf8(term.text), out);
  }
}

void append_id(const Packet& packet, Buffer& out, std::string_view before) {
  if (packet.id.text.empty() && packet.id.is_json) return;  // format::k_no_id
  out.append(before);
  append(packet.id, out);
}

void append_text(std::string_view text, Buffer& out) { append(Term{text, false}, out); }

void append_members(const Headers& headers, Buffer& out, bool first) {
  for (const auto& [name, value] : headers) {
    if (!first) out.push_back(',');
    first = false;
    append_text(name, out);
    out.push_back(':');
    append_text(value, out);
  }
}

/// Headers become metadata. When there is metadata already, they join it if it is an object; else it wins.
void append_metadata(const Packet& packet, Buffer& out) {
  std::string_view metadata = packet.metadata.view();
  if (metadata.empty() && packet.headers.empty()) return;
  out.append(",\"metadata\":");
  if (metadata.empty()) {
    out.push_back('{');
    append_members(packet.headers, out, true);
    out.push_back('}');
    return;
  }
  if (packet.headers.empty() || metadata.front() != '{') return out.append(metadata);
  metadata.remove_suffix(metadata.size() - metadata.rfind('}'));
  out.append(metadata);
  append_members(packet.headers, out, metadata.find_first_not_of(" \n\r\t", 1) == std::string_view::npos);
  out.push_back('}');
}

void compose_call(const Packet& packet, Buffer& out) {
  bool first = true;
  if (packet.has_pattern) {
    out.append("{\"pattern\":");
    append(packet.pattern, out);
    first = false;
  }
  if (packet.has_payload) {
    out.append(first ? "{\"data\":" : ",\"data\":");
    out.append(packet.payload.view());
    first = false;
  }
  if (first) out.append("{\"pattern\":null");
  append_metadata(packet, out);
  if (packet.kind == PacketKind::request) append_id(packet, out, ",\"id\":");
  out.push_back('}');
}

}  // namespace

void compose(const Packet& packet, Buffer& out) {
  if (compose_usual(packet, out)) [[likely]]
    return;
  out.reserve(out.size() + packet.payload.size() + packet.pattern.text.size() + packet.id.text.size() + 64);
  switch (packet.kind) {
    case PacketKind::request:
    case PacketKind::event: return compose_call(packet, out);
    case PacketKind::value:
      out.push_back('{');
      if (packet.has_payload) {
        out.append("\"response\":");
        out.append(packet.payload.view());
      }
      if (packet.last) out.append(packet.has_payload ? ",\"isDisposed\":true" : "\"isDisposed\":true");
      append_id(packet, out, packet.has_payload || packet.last ? ",\"id\":" : "\"id\":");
      break;
    case PacketKind::error:
      out.append("{\"err\":");
      out.append(packet.has_payload ? packet.payload.view() : std::string_view("{}"));
      out.append(",\"isDisposed\":true");
      append_id(packet, out, ",\"id\":");
      break;
    case PacketKind::end:
      out.append("{\"isDisposed\":true");
      append_id(packet, out, ",\"id\":");
      break;
    case PacketKind::no_handler:
      out.push_back('{');
      append_id(packet, out, "\"id\":");
      out.append(out.view().back() == '{' ? "\"status\":\"error\",\"err\":" : ",\"status\":\"error\",\"err\":");
      append_text(k_no_handler_text, out);
      break;
  }
  out.push_back('}');
}

}  // namespace waybill::json
