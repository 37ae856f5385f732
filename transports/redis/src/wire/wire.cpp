#include "wire/wire.hpp"

#include "waybill/format/model.hpp"

#include <charconv>
#include <cstring>
#include <random>
#include <string>

namespace waybill::redis {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view k_blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(k_blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(k_blanks) - first + 1);
}

}  // namespace

Result<void> PublishWriter::write(std::string_view head, const Packet& packet, const Serializer& serializer,
                                  Buffer& out) {
  const std::size_t start = out.size();
  out.append(head);
  // "$", the digits of the length and "\r\n" go before the body: room for as many digits as last time.
  const std::size_t mark = out.size();
  out.prepare(digits_ + 3);
  out.commit(digits_ + 3);
  serializer.compose(packet, out);
  const std::size_t size = out.size() - mark - digits_ - 3;
  if (size > max_message_) {
    out.truncate(start);
    return Error(errc::too_large,
                 "the message has " + std::to_string(size) + " bytes, more than max_message (" +
                     std::to_string(max_message_) + ")",
                 End::rejected);
  }
  char digits[24];
  const auto count = static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, size).ptr - digits);
  if (count != digits_) {
    if (count > digits_) {
      out.prepare(count - digits_);
      out.commit(count - digits_);
    }
    std::memmove(out.data() + mark + count + 3, out.data() + mark + digits_ + 3, size);
    out.truncate(mark + count + 3 + size);
    digits_ = count;
  }
  char* at = out.data() + mark;
  *at++ = '$';
  std::memcpy(at, digits, count);
  std::memcpy(at + count, "\r\n", 2);
  out.append("\r\n", 2);
  return {};
}

Packet with_id(const Packet& packet, std::string_view id) {
  Packet same;
  same.kind = packet.kind;
  same.last = packet.last;
  same.has_payload = packet.has_payload;
  same.has_pattern = packet.has_pattern;
  same.pattern = packet.pattern;
  same.id = {id, false};
  same.payload = Slice::borrow(packet.payload.view());
  same.serializer = packet.serializer;
  if (!packet.headers.empty()) same.headers = packet.headers;
  same.metadata = Slice::borrow(packet.metadata.view());
  return same;
}

std::string random_mark() {
  constexpr char k_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::random_device random;
  std::string mark = "~";
  while (mark.size() < k_mark_size) mark += k_letters[random() & 63];
  return mark;
}

std::string_view mark_of(Term id) noexcept {
  if (id.is_json || id.text.size() < k_mark_size) return {};
  const std::string_view end = id.text.substr(id.text.size() - k_mark_size);
  return end.front() == '~' ? end : std::string_view();
}

Result<void> parse_incoming(const Slice& body, const Serializer& serializer, Buffer& storage, Packet& packet) {
  Result<void> parsed = serializer.parse(body, Direction::to_service, packet);
  if (!parsed) {
    if (!serializer.is_json() || parsed.error().code() != errc::payload_malformed) return parsed;
    storage.clear();
    const Result<void> encoded = serializer.encode(ValueRef::of(body.view()), storage);
    if (!encoded) return parsed;  // not UTF-8 either
    packet = Packet();
    packet.kind = PacketKind::event;
    packet.has_payload = true;
    packet.payload = storage.borrow();
  }
  packet.serializer = &serializer;
  return {};
}

bool is_reply(const Slice& body, const Serializer& serializer) {
  Packet packet;
  if (!serializer.parse(body, Direction::to_client, packet)) return false;
  if (packet.id.text.empty()) return false;
  // What is no reply packet is taken for a value that spans everything.
  return !packet.has_payload || trimmed(packet.payload.view()).size() != trimmed(body.view()).size();
}

}  // namespace waybill::redis
