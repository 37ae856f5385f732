// The layouts that NestJS and waybill write, byte for byte:
//
//   {"pattern":P,"data":X,"id":"I"}   {"pattern":P,"data":X}
//   {"response":X,"isDisposed":true,"id":"I"}   {"response":X,"id":"I"}   {"isDisposed":true,"id":"I"}
//   {"err":X,"isDisposed":true,"id":"I"}
//
// Head and tail are compared, X is what stands between. X is certain to be one value, provided that the packet is JSON
// at all: where X could hide the end of one member and the start of another, it is scanned precisely.
#include <bit>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "json_packet.hpp"
#include "json_scan.hpp"
#include "json_text.hpp"

namespace waybill::json {
namespace {

constexpr std::size_t k_longest_id = 64;

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Whether a `close` may end a member of what is around: it is followed by white space or by a comma and no further
/// value of a list.
bool has_inner_end(std::string_view text, char close) noexcept {
  const char* at = text.data();
  const char* const last = at + text.size() - 1;  // the one that must be the end
  const auto ends_member = [](const char* c) {
    return is_space(c[1]) || (c[1] == ',' && (c[2] == '"' || is_space(c[2])));
  };
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8(close);
  for (; at < last; at += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, wanted)));
    for (; found; found &= found - 1) {
      const char* c = at + std::countr_zero(found);
      if (c < last && ends_member(c)) return true;
    }
  }
  return false;
#else
  for (; at < last; ++at) {
    if (*at == close && ends_member(at)) return true;
  }
  return false;
#endif
}

bool scans_whole(std::string_view text) noexcept {
  const Scan scan = scan_value(text.data(), text.data() + text.size());
  return scan.outcome == Scan::Outcome::ok && scan.end == text.data() + text.size();
}

/// Whether `text` is one value and nothing else. Sets `trusted` when it has been scanned.
bool is_one_value(std::string_view text, bool& trusted) noexcept {
  if (text.size() < 2) return trusted = !text.empty() && scans_whole(text);
  switch (text.front()) {
    case '{':
      if (text.back() == '}' && !has_inner_end(text, '}')) return true;
      break;
    case '[':
      if (text.back() == ']' && !has_inner_end(text, ']')) return true;
      break;
    default: break;
  }
  return trusted = scans_whole(text);
}

/// Takes `,"id":"I"}` off the end of `text`.
bool take_id(std::string_view& text, Term& id) noexcept {
  constexpr std::string_view k_before = ",\"id\":";
  if (!text.ends_with("\"}")) return false;
  const std::size_t end = text.size() - 2;
  const std::size_t from = end > k_longest_id ? end - k_longest_id : 0;
  const auto* quote = static_cast<const char*>(::memrchr(text.data() + from, '"', end - from));
  if (!quote) return false;
  const auto begin = static_cast<std::size_t>(quote - text.data()) + 1;
  const TextScan scan = scan_text(text.data() + begin, end - begin);
  if (scan.needs_escape || !scan.is_ascii || begin < k_before.size() + 1) return false;
  if (text.substr(begin - 1 - k_before.size(), k_before.size()) != k_before) return false;
  id = {text.substr(begin, end - begin), false};
  text = text.substr(0, begin - 1 - k_before.size());
  return true;
}

/// Takes the pattern off the front of `text`.
bool take_pattern(std::string_view& text, Term& pattern) noexcept {
  const char* const end = text.data() + text.size();
  if (text.empty()) return false;
  const char* stop = nullptr;
  if (text.front() == '"') {
    stop = find_quote_or_backslash(text.data() + 1, end);
    if (stop >= end || *stop != '"') return false;
    pattern = {text.substr(1, static_cast<std::size_t>(stop - text.data()) - 1), false};
    const TextScan scan = scan_text(pattern.text.data(), pattern.text.size());
    if (scan.needs_escape || !(scan.is_ascii || is_utf8(pattern.text))) return false;
    ++stop;
  } else {
    const Scan scan = scan_value(text.data(), end);
    if (scan.outcome != Scan::Outcome::ok) return false;
    stop = scan.end;
    pattern = {text.substr(0, static_cast<std::size_t>(stop - text.data())), true};
    if (!is_utf8(pattern.text)) return false;
  }
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}
bool take_suffix(std::string_view& text, std::string_view suffix) noexcept {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool take_payload(const Slice& bytes, std::string_view text, Packet& packet) {
  packet.trusted_payload = false;
  if (!is_one_value(text, packet.trusted_payload)) return false;
  packet.payload = bytes.part(text);
  packet.has_payload = true;
  return true;
}

bool parse_call(const Slice& bytes, std::string_view text, Packet& packet) {
  if (!take_prefix(text, "{\"pattern\":") || !take_pattern(text, packet.pattern)) return false;
  if (!take_prefix(text, ",\"data\":")) return false;
  packet.has_pattern = true;
  packet.kind = PacketKind::request;
  if (!take_id(text, packet.id)) {
    packet.kind = PacketKind::event;
    if (!take_suffix(text, "}")) return false;
  }
  return take_payload(bytes, text, packet);
}

bool parse_reply(const Slice& bytes, std::string_view text, Packet& packet) {
  if (!take_id(text, packet.id)) return false;
  if (text == "{\"isDisposed\":true") {
    packet.kind = PacketKind::end;
    return true;
  }
  const bool last = take_suffix(text, ",\"isDisposed\":true");
  if (take_prefix(text, "{\"response\":")) {
    packet.kind = PacketKind::value;
    packet.last = last;
    return take_payload(bytes, text, packet);
  }
  if (!last || !take_prefix(text, "{\"err\":") || !text.starts_with('{')) return false;  // other values may be falsy
  packet.kind = PacketKind::error;
  return take_payload(bytes, text, packet);
}

}  // namespace

bool parse_known_layout(const Slice& bytes, Direction direction, Packet& packet) {
  return direction == Direction::to_service ? parse_call(bytes, bytes.view(), packet)
                                            : parse_reply(bytes, bytes.view(), packet);
}

}  // namespace waybill::json
