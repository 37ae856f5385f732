#include "wire/binary_frame.hpp"

#include "waybill/format/serializer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace waybill::tcp {
namespace {

constexpr std::size_t k_head = 20;
constexpr unsigned char k_no_serializer = 255;
enum Flag : unsigned { k_last = 1, k_payload = 2, k_pattern = 4, k_pattern_json = 8, k_id_json = 16, k_known = 31 };

static_assert(static_cast<int>(PacketKind::request) == 0 && static_cast<int>(PacketKind::event) == 1 &&
              static_cast<int>(PacketKind::value) == 2 && static_cast<int>(PacketKind::error) == 3 &&
              static_cast<int>(PacketKind::end) == 4 && static_cast<int>(PacketKind::no_handler) == 5);

template <class Number>
Number load(const char* from) noexcept {
  Number value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) {
    Number swapped = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
      swapped = static_cast<Number>((swapped << 8) | ((value >> (8 * i)) & 255));
    return swapped;
  }
  return value;
}

template <class Number>
void store(char* to, std::uint64_t value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    const auto number = static_cast<Number>(value);
    std::memcpy(to, &number, sizeof number);
  } else {
    for (std::size_t i = 0; i < sizeof(Number); ++i) to[i] = static_cast<char>((value >> (8 * i)) & 255);
  }
}

std::size_t size_of_headers(const Headers& headers) noexcept {
  std::size_t size = 2;
  for (const auto& [name, value] : headers) size += 6 + name.size() + value.size();
  return size;
}

std::size_t deadline_of(const Packet& packet) noexcept {
  const auto milliseconds = packet.deadline.count();
  return milliseconds <= 0 ? 0 : static_cast<std::size_t>(std::min<std::int64_t>(milliseconds, UINT32_MAX));
}

char* append(char* to, std::string_view bytes) noexcept {
  waybill::detail::copy_bytes(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

char* append_headers(char* to, const Headers& headers) noexcept {
  store<std::uint16_t>(to, headers.size());
  to += 2;
  for (const auto& [name, value] : headers) {
    store<std::uint16_t>(to, name.size());
    store<std::uint32_t>(to + 2, value.size());
    to = append(append(to + 6, name), value);
  }
  return to;
}

/// The numbers of a frame's head.
struct Head {
  std::size_t length;
  unsigned kind;
  unsigned flags;
  std::size_t pattern;
  std::size_t id;
  unsigned index;
  std::size_t name;
  std::size_t extra;

  static Head read(const char* frame) noexcept {
    return {load<std::uint32_t>(frame),     load<std::uint8_t>(frame + 4),  load<std::uint8_t>(frame + 5),
            load<std::uint16_t>(frame + 6), load<std::uint16_t>(frame + 8), load<std::uint8_t>(frame + 10),
            load<std::uint8_t>(frame + 11), load<std::uint32_t>(frame + 12)};
  }
  void write(char* to) const noexcept {
    store<std::uint32_t>(to, length);
    store<std::uint8_t>(to + 4, kind);
    store<std::uint8_t>(to + 5, flags);
    store<std::uint16_t>(to + 6, pattern);
    store<std::uint16_t>(to + 8, id);
    store<std::uint8_t>(to + 10, index);
    store<std::uint8_t>(to + 11, name);
    store<std::uint32_t>(to + 12, extra);
  }
};

unsigned flags_of(const Packet& packet) noexcept {
  return (packet.last ? k_last : 0u) | (packet.has_payload ? k_payload : 0u) | (packet.has_pattern ? k_pattern : 0u) |
         (packet.pattern.is_json ? k_pattern_json : 0u) | (packet.id.is_json ? k_id_json : 0u);
}

/// All but serializer, headers and metadata; `text` is where the pattern begins, and `payload` stands at its place.
void fill(Packet& packet, const Head& head, const char* frame, const char* text, std::string_view payload) noexcept {
  packet.kind = static_cast<PacketKind>(head.kind);
  packet.last = head.flags & k_last;
  packet.has_payload = head.flags & k_payload;
  packet.has_pattern = head.flags & k_pattern;
  packet.deadline = std::chrono::milliseconds(load<std::uint32_t>(frame + 16));
  packet.pattern = {{text, head.pattern}, (head.flags & k_pattern_json) != 0};
  packet.id = {{text + head.pattern, head.id}, (head.flags & k_id_json) != 0};
  // What errors bring is looked at in any case.
  packet.payload = packet.kind <= PacketKind::value ? Slice::borrow_unseen(payload) : Slice::borrow(payload);
}

std::array<char, k_head> frame_of(Sign sign) noexcept {
  std::array<char, k_head> frame{};
  store<std::uint32_t>(frame.data(), k_head - 4);
  frame[4] = static_cast<char>(sign);
  return frame;
}

/// Those of other sides are what ours are, to the byte.
bool is_sign(const char* frame, std::size_t length) noexcept {
  const auto kind = load<std::uint8_t>(frame + 4);
  if (length != k_head - 4 || kind < static_cast<unsigned>(Sign::ask) || kind > static_cast<unsigned>(Sign::pausing))
    return false;
  const auto ours = frame_of(static_cast<Sign>(kind));
  return std::memcmp(frame, ours.data(), ours.size()) == 0;
}

}  // namespace

void append_sign(Buffer& out, Sign sign) {
  const auto frame = frame_of(sign);
  out.append({frame.data(), frame.size()});
}

bool BinaryFrameReader::read_serializer(unsigned char index, std::string_view name, Packet& packet) {
  packet.serializer = nullptr;
  if (index == k_no_serializer) return name.empty();
  if (index >= k_serializer_slots) return false;
  if (!name.empty()) {
    table_[index] = lookup_(name);
    if (!table_[index]) problem_ = "no serializer is called \"" + std::string(name) + "\" here";
  }
  packet.serializer = table_[index];
  return packet.serializer != nullptr;
}

bool BinaryFrameReader::read_extra(std::string_view extra, Packet& packet) {
  if (extra.size() < 2) return false;
  const std::size_t count = load<std::uint16_t>(extra.data());
  std::size_t at = 2;
  if (count) {
    std::vector<Headers::Entry> entries;
    entries.reserve(count < 64 ? count : 64);
    for (std::size_t i = 0; i < count; ++i) {
      if (extra.size() - at < 6) return false;
      const std::size_t name = load<std::uint16_t>(extra.data() + at);
      const std::size_t value = load<std::uint32_t>(extra.data() + at + 2);
      at += 6;
      if (name > extra.size() - at || value > extra.size() - at - name || at + name + value > k_max_headers)
        return false;
      entries.emplace_back(extra.substr(at, name), extra.substr(at + name, value));
      at += name + value;
    }
    packet.headers = Headers(std::move(entries));
  }
  if (at < extra.size()) packet.metadata = Slice::borrow(extra.substr(at));
  return true;
}

BinaryFrameReader::Outcome BinaryFrameReader::next(const char* data, std::size_t size, std::size_t& at,
                                                   Packet& packet) {
  const std::size_t have = size - at;
  if (have < 4) return Outcome::more;
  const char* const frame = data + at;
  const std::size_t length = load<std::uint32_t>(frame);
  if (length < k_head - 4) return broken("a frame is too short");
  if (length > max_frame_) return broken("a frame is larger than max_frame");
  if (have - 4 < length) return Outcome::more;

  const Head head = Head::read(frame);
  if (is_sign(frame, length)) {
    sign_ = static_cast<Sign>(head.kind);
    at += k_head;
    return Outcome::sign;
  }
  std::size_t left = length + 4 - k_head;
  if (head.kind > static_cast<unsigned>(PacketKind::no_handler) || (head.flags & ~unsigned{k_known}))
    return broken("a frame's kind or flags are unknown");
  if (head.pattern > k_max_pattern || head.id > k_max_id) return broken("a frame's pattern or id is too long");
  const std::size_t names = head.name + head.pattern + head.id;
  if (names > left || head.extra > left - names) return broken("a frame's parts are longer than the frame");
  left -= names + head.extra;

  const char* const text = frame + k_head + head.name;
  if (!read_serializer(static_cast<unsigned char>(head.index), {frame + k_head, head.name}, packet))
    return broken(problem_.empty() ? "a frame's serializer is unknown" : problem_);
  const char* const extra = text + head.pattern + head.id;
  fill(packet, head, frame, text, {extra + head.extra, left});
  if (head.extra && !read_extra({extra, head.extra}, packet)) return broken("a frame's headers are malformed");
  if ((left || !packet.metadata.empty()) && !packet.serializer)
    return broken("a frame has a payload without a serializer");
  if (left && !packet.has_payload) return broken("a frame has bytes behind its end");
  at += length + 4;
  return Outcome::packet;
}

bool BinaryFrameReader::next_usual(const char* data, std::size_t size, std::size_t& at, Packet& packet) const noexcept {
  const std::size_t have = size - at;
  if (have < k_head) return false;
  const char* const frame = data + at;
  const Head head = Head::read(frame);
  if (head.length > max_frame_ || head.length > have - 4 || head.length < k_head - 4) return false;
  if (head.name != 0 || head.extra != 0 || head.index >= k_serializer_slots || !table_[head.index]) return false;
  const std::size_t left = head.length - (k_head - 4);
  const std::size_t names = head.pattern + head.id;
  if (head.kind > static_cast<unsigned>(PacketKind::no_handler) || head.flags > unsigned{k_known} ||
      head.pattern > k_max_pattern || head.id > k_max_id || names > left)
    return false;
  if (left != names && !(head.flags & k_payload)) return false;
  packet.serializer = table_[head.index];
  fill(packet, head, frame, frame + k_head, {frame + k_head + names, left - names});
  at += head.length + 4;
  return true;
}

bool BinaryFrameWriter::write_usual(const Packet& packet, std::size_t max_frame, Buffer& out) {
  if (table_.empty() || table_.front() != packet.serializer) return false;
  if (!packet.headers.empty() || !packet.metadata.empty()) return false;
  const std::size_t pattern = packet.has_pattern ? packet.pattern.text.size() : 0;
  const std::size_t id = packet.id.text.size();
  const std::size_t payload = packet.has_payload ? packet.payload.size() : 0;
  const std::size_t total = k_head + pattern + id + payload;
  if (pattern > k_max_pattern || id > k_max_id || total - 4 > max_frame) return false;
  char* to = out.prepare(total);
  Head{total - 4, static_cast<unsigned char>(packet.kind), flags_of(packet), pattern, id, 0, 0, 0}.write(to);
  store<std::uint32_t>(to + 16, deadline_of(packet));
  to += k_head;
  if (pattern) to = append(to, {packet.pattern.text.data(), pattern});
  to = append(to, packet.id.text);
  append(to, {packet.payload.data(), payload});
  out.commit(total);
  return true;
}

std::string BinaryFrameWriter::write(const Packet& packet, std::size_t max_frame, Buffer& out) {
  std::size_t index = k_no_serializer;
  std::string_view name;
  if (packet.serializer) {
    index = 0;
    while (index < table_.size() && table_[index] != packet.serializer) ++index;
    if (index == table_.size()) {
      if (index == k_serializer_slots) return "too many serializers are used on one connection";
      name = packet.serializer->name();
    }
  }
  const std::string_view pattern = packet.has_pattern ? packet.pattern.text : std::string_view();
  const std::string_view id = packet.id.text;
  const std::string_view payload = packet.has_payload ? packet.payload.view() : std::string_view();
  if (pattern.size() > k_max_pattern) return "the pattern is longer than " + std::to_string(k_max_pattern) + " bytes";
  if (id.size() > k_max_id) return "the id is longer than " + std::to_string(k_max_id) + " bytes";
  const bool has_extra = !packet.headers.empty() || !packet.metadata.empty();
  std::size_t extra = 0;
  if (has_extra) {
    const std::size_t headers = size_of_headers(packet.headers);
    if (headers > k_max_headers || packet.headers.size() > 0xFFFF)
      return "the headers are longer than " + std::to_string(k_max_headers) + " bytes";
    for (const auto& [header, value] : packet.headers)
      if (header.size() > 0xFFFF) return "a header's name is too long";
    extra = headers + packet.metadata.size();
  }
  const std::size_t total = k_head + name.size() + pattern.size() + id.size() + extra + payload.size();
  if (total - 4 > max_frame) return "the message is larger than max_frame (" + std::to_string(max_frame) + " bytes)";

  char* to = out.prepare(total);
  Head{total - 4,        static_cast<unsigned char>(packet.kind),
       flags_of(packet), pattern.size(),
       id.size(),        static_cast<unsigned>(index),
       name.size(),      extra}
      .write(to);
  store<std::uint32_t>(to + 16, deadline_of(packet));
  to += k_head;
  if (!name.empty()) to = append(to, name);
  if (!pattern.empty()) to = append(to, pattern);
  to = append(to, id);
  if (has_extra) to = append(append_headers(to, packet.headers), packet.metadata.view());
  append(to, payload);
  out.commit(total);
  if (!name.empty()) table_.push_back(packet.serializer);
  return {};
}

}  // namespace waybill::tcp
