#include "binary_frame.hpp"

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
void store(char* to, std::size_t value) noexcept {
  for (std::size_t i = 0; i < sizeof(Number); ++i) to[i] = static_cast<char>((value >> (8 * i)) & 255);
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
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
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

}  // namespace

bool BinaryFrameReader::read_serializer(unsigned char index, std::string_view name, Packet& packet) {
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

  const auto kind = static_cast<unsigned char>(frame[4]);
  const unsigned flags = static_cast<unsigned char>(frame[5]);
  const std::size_t pattern = load<std::uint16_t>(frame + 6);
  const std::size_t id = load<std::uint16_t>(frame + 8);
  const auto index = static_cast<unsigned char>(frame[10]);
  const std::size_t name = static_cast<unsigned char>(frame[11]);
  const std::size_t extra = load<std::uint32_t>(frame + 12);
  packet.deadline = std::chrono::milliseconds(load<std::uint32_t>(frame + 16));
  std::size_t left = length + 4 - k_head;
  if (kind > static_cast<unsigned char>(PacketKind::no_handler) || (flags & ~unsigned{k_known}))
    return broken("a frame's kind or flags are unknown");
  if (pattern > k_max_pattern || id > k_max_id) return broken("a frame's pattern or id is too long");
  if (name + pattern + id > left || extra > left - name - pattern - id)
    return broken("a frame's parts are longer than the frame");
  left -= name + pattern + id + extra;

  const char* part = frame + k_head;
  if (!read_serializer(index, {part, name}, packet))
    return broken(problem_.empty() ? "a frame's serializer is unknown" : problem_);
  part += name;
  packet.kind = static_cast<PacketKind>(kind);
  packet.last = flags & k_last;
  packet.has_payload = flags & k_payload;
  packet.has_pattern = flags & k_pattern;
  packet.pattern = {{part, pattern}, (flags & k_pattern_json) != 0};
  part += pattern;
  packet.id = {{part, id}, (flags & k_id_json) != 0};
  part += id;
  if (extra && !read_extra({part, extra}, packet)) return broken("a frame's headers are malformed");
  part += extra;
  if ((left || !packet.metadata.empty()) && !packet.serializer)
    return broken("a frame has a payload without a serializer");
  if (left && !packet.has_payload) return broken("a frame has bytes behind its end");
  packet.payload = Slice::borrow({part, left});
  at += length + 4;
  return Outcome::packet;
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
  const bool has_extra = !packet.headers.empty() || !packet.metadata.empty();
  const std::size_t headers = has_extra ? size_of_headers(packet.headers) : 0;
  const std::size_t extra = has_extra ? headers + packet.metadata.size() : 0;
  if (pattern.size() > k_max_pattern) return "the pattern is longer than " + std::to_string(k_max_pattern) + " bytes";
  if (id.size() > k_max_id) return "the id is longer than " + std::to_string(k_max_id) + " bytes";
  if (headers > k_max_headers || packet.headers.size() > 0xFFFF)
    return "the headers are longer than " + std::to_string(k_max_headers) + " bytes";
  for (const auto& [header, value] : packet.headers)
    if (header.size() > 0xFFFF) return "a header's name is too long";
  const std::size_t total = k_head + name.size() + pattern.size() + id.size() + extra + payload.size();
  if (total - 4 > max_frame) return "the message is larger than max_frame (" + std::to_string(max_frame) + " bytes)";

  unsigned flags = 0;
  if (packet.last) flags |= k_last;
  if (packet.has_payload) flags |= k_payload;
  if (packet.has_pattern) flags |= k_pattern;
  if (packet.pattern.is_json) flags |= k_pattern_json;
  if (packet.id.is_json) flags |= k_id_json;
  char* to = out.prepare(total);
  store<std::uint32_t>(to, total - 4);
  to[4] = static_cast<char>(packet.kind);
  to[5] = static_cast<char>(flags);
  store<std::uint16_t>(to + 6, pattern.size());
  store<std::uint16_t>(to + 8, id.size());
  to[10] = static_cast<char>(index);
  to[11] = static_cast<char>(name.size());
  store<std::uint32_t>(to + 12, extra);
  store<std::uint32_t>(to + 16, deadline_of(packet));
  to = append(append(append(to + k_head, name), pattern), id);
  if (has_extra) to = append(append_headers(to, packet.headers), packet.metadata.view());
  append(to, payload);
  out.commit(total);
  if (!name.empty()) table_.push_back(packet.serializer);
  return {};
}

}  // namespace waybill::tcp
