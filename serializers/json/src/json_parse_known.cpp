// The layouts that NestJS and waybill write, byte for byte:
//
//   {"pattern":P,"data":X,"id":"I"}   {"pattern":P,"data":X}
//   {"pattern":P,"data":X,"metadata":{"traceparent":"T"},"id":"I"}   and without the id
//   {"response":X,"isDisposed":true,"id":"I"}   {"response":X,"id":"I"}   {"isDisposed":true,"id":"I"}
//   {"err":X,"isDisposed":true,"id":"I"}
//
// Head and tail are compared, X is what stands between. X is certain to be one value, provided that the packet is JSON
// at all: where X could hide the end of one member and the start of another, it is scanned precisely.
#include "json_find.hpp"
#include "json_packet.hpp"
#include "json_scan.hpp"
#include "json_text.hpp"
#include "waybill/format/utf8_blocks.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace waybill::json {
namespace {

constexpr std::size_t k_longest_id = 64;

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

/// Whether `text` is one value and nothing else, if it is JSON at all: who decodes it finds out.
bool is_one_value(std::string_view text) noexcept {
  if (text.size() < 2) return !text.empty() && scans_whole(text);
  switch (text.front()) {
    case '{':
      if (text.back() == '}' && !has_inner_end(text, '}')) return true;
      break;
    case '[':
      if (text.back() == ']' && !has_inner_end(text, ']')) return true;
      break;
    default: break;
  }
  return scans_whole(text);
}

/// Where the plain ASCII text without escapes begins that ends at `end`, behind its opening quote; null if it is none or
/// longer than k_longest_id. REQUIRES: `first` <= `end`.
const char* plain_text_begin(const char* first, const char* end) noexcept {
#ifdef __SSE2__
  for (const char* at = end - 16; at >= first && end - at <= std::ptrdiff_t{k_longest_id}; at -= 16) {
    const __m128i v = format::load_sixteen(at);
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(special_in(v), v)));
    if (!found) continue;
    const char* const last = at + std::bit_width(found) - 1;
    return *last == '"' ? last + 1 : nullptr;
  }
#endif
  for (const char* at = end - 1; at >= first && end - at <= std::ptrdiff_t{k_longest_id} + 1; --at) {
    if (*at == '"') return at + 1;
    if (*at == '\\' || static_cast<unsigned char>(*at) < 0x20 || static_cast<unsigned char>(*at) >= 0x80)
      return nullptr;
  }
  return nullptr;
}

/// Takes a literal off the front; its length is known when this is compiled, so no call is made.
template <std::size_t N>
bool take_prefix(std::string_view& text, const char (&prefix)[N]) noexcept {
  if (text.size() < N - 1 || std::memcmp(text.data(), prefix, N - 1) != 0) return false;
  text.remove_prefix(N - 1);
  return true;
}
template <std::size_t N>
bool take_suffix(std::string_view& text, const char (&suffix)[N]) noexcept {
  if (text.size() < N - 1 || std::memcmp(text.data() + text.size() - (N - 1), suffix, N - 1) != 0) return false;
  text.remove_suffix(N - 1);
  return true;
}

/// Takes `,"id":"I"}` off the end of `text`, or nothing.
bool take_id(std::string_view& text, Term& id) noexcept {
  std::string_view rest = text;
  if (!take_suffix(rest, "\"}")) return false;
  const char* const end = rest.data() + rest.size();
  const char* const begin = plain_text_begin(rest.data(), end);
  if (!begin) return false;
  rest = {rest.data(), static_cast<std::size_t>(begin - rest.data())};
  if (!take_suffix(rest, ",\"id\":\"")) return false;
  id = {{begin, static_cast<std::size_t>(end - begin)}, false};
  text = rest;
  return true;
}

/// Takes the pattern off the front of `text`.
bool take_pattern(std::string_view& text, bool is_known_utf8, Term& pattern) noexcept {
  const char* const end = text.data() + text.size();
  if (text.empty()) return false;
  const char* stop = nullptr;
  if (text.front() == '"') {
    stop = find_special(text.data() + 1, end);
    if (stop >= end || *stop != '"') return false;
    pattern = {text.substr(1, static_cast<std::size_t>(stop - text.data()) - 1), false};
    ++stop;
  } else {
    const Scan scan = scan_value(text.data(), end);
    if (scan.outcome != Scan::Outcome::ok) return false;
    stop = scan.end;
    pattern = {text.substr(0, static_cast<std::size_t>(stop - text.data())), true};
  }
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return is_known_utf8 || is_utf8(pattern.text);
}

/// Takes `,"metadata":{"traceparent":"T"}` off the end of `text`, where T is what such are: hexadecimal digits and dashes.
/// No payload ends so, not even one that holds such a member.
void take_traceparent(const Slice& bytes, std::string_view& text, Packet& packet) {
  constexpr std::string_view k_head = ",\"metadata\":{\"traceparent\":\"";
  constexpr std::size_t k_traceparent = 55;
  constexpr std::size_t k_size = k_head.size() + k_traceparent + 2;
  if (text.size() < k_size || !text.ends_with("\"}")) return;
  const std::string_view whole = text.substr(text.size() - k_size);
  if (!whole.starts_with(k_head)) return;
  for (const char c : whole.substr(k_head.size(), k_traceparent)) {
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '-') return;
  }
  packet.metadata = bytes.part(whole.substr(std::strlen(",\"metadata\":")));
  text.remove_suffix(k_size);
}

bool take_payload(const Slice& bytes, std::string_view text, Packet& packet) {
  if (!is_one_value(text)) return false;
  packet.payload = bytes.part(text);
  packet.has_payload = true;
  return true;
}

bool parse_call(const Slice& bytes, std::string_view text, Packet& packet) {
  if (!take_prefix(text, "{\"pattern\":") || !take_pattern(text, bytes.is_known_utf8(), packet.pattern)) {
    return false;
  }
  if (!take_prefix(text, ",\"data\":")) return false;
  packet.has_pattern = true;
  packet.kind = PacketKind::request;
  if (!take_id(text, packet.id)) {
    packet.kind = PacketKind::event;
    if (!take_suffix(text, "}")) return false;
  }
  take_traceparent(bytes, text, packet);
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
