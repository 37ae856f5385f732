#include "wire/nest_frame.hpp"

#include <charconv>
#include <cstring>

namespace waybill::tcp {
namespace {

constexpr std::size_t k_max_prefix = 1024;  // bytes up to the "#"

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What parseInt makes of a text; 0 for no number and for negative ones.
std::size_t parse_length(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size() && is_space(text[i])) ++i;
  if (i < text.size() && text[i] == '-') return 0;
  if (i < text.size() && text[i] == '+') ++i;
  std::size_t value = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    if (value >= SIZE_MAX / 10) return SIZE_MAX;  // more than anything that is allowed
    value = value * 10 + static_cast<std::size_t>(text[i] - '0');
  }
  return value;
}

/// What began to come if it is another protocol, for which nobody need wait; null: it may be a length. NestJS waits for all else.
const char* stranger_in(std::string_view begin) noexcept {
  if (begin.starts_with("\x16\x03"))
    return "what came is TLS: this port has none; use tcp://, or tcps:// on both sides";
  for (const std::string_view word :
       {"GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS ", "CONNECT ", "HTTP/1."}) {
    if (begin.starts_with(word)) return "what came is HTTP: this is for messages of NestJS's TCP transport";
  }
  return nullptr;
}

}  // namespace

bool NestFrameReader::admit(const char* data, std::size_t size) const noexcept {
  if (size <= max_units_) return true;
  const std::size_t rest = utf16_length(data + cursor_.bytes, size - cursor_.bytes);
  return rest <= max_units_ && cursor_.units <= max_units_ - rest;
}

NestFrameReader::Outcome NestFrameReader::read_length(const char* data, std::size_t size, std::size_t& at) noexcept {
  const char* const begin = data + at;
  const std::size_t have = size - at;
  const auto* hash = static_cast<const char*>(std::memchr(begin, '#', have < k_max_prefix ? have : k_max_prefix));
  if (!hash) {
    if (const char* const stranger = stranger_in({begin, have})) return broken(stranger);
    return have < k_max_prefix ? Outcome::more : broken("a frame's length has no end");
  }
  wanted_ = parse_length({begin, static_cast<std::size_t>(hash - begin)});
  if (!wanted_) return broken("a frame's length is not a positive number");
  if (wanted_ > max_bytes_) return broken("a frame is larger than max_frame");  // a unit has a byte at least
  at += static_cast<std::size_t>(hash - begin) + 1;
  cursor_ = {};
  return Outcome::frame;
}

NestFrameReader::Outcome NestFrameReader::next(const char* data, std::size_t size, std::size_t& at,
                                               Slice& text) noexcept {
  if (!wanted_) {
    if (at == size) return Outcome::more;
    const Outcome prefix = read_length(data, size, at);
    if (prefix != Outcome::frame) return prefix;
  }
  count_utf16(data + at, size - at, wanted_, cursor_);
  if (cursor_.units > wanted_) return broken("a frame's length ends within a character");
  if (cursor_.units < wanted_)
    return size - at > max_bytes_ ? broken("a frame is larger than max_frame") : Outcome::more;
  if (cursor_.bytes > max_bytes_) return broken("a frame is larger than max_frame");
  const std::string_view content(data + at, cursor_.bytes);
  text = cursor_.is_utf8 ? Slice::borrow_utf8(content) : Slice::borrow(content);
  at += cursor_.bytes;
  wanted_ = 0;
  cursor_ = {};
  return Outcome::frame;
}

std::size_t NestFrameWriter::begin(Buffer& out) {
  const std::size_t start = out.size();
  out.prepare(digits_ + 1);
  out.commit(digits_ + 1);
  return start;
}

void NestFrameWriter::end(Buffer& out, std::size_t start) {
  const std::size_t text = start + digits_ + 1;
  const std::size_t size = out.size() - text;
  char digits[24];
  const auto written = std::to_chars(digits, digits + sizeof digits, utf16_length_of_own(out.data() + text, size));
  const auto count = static_cast<std::size_t>(written.ptr - digits);
  if (count != digits_) {
    if (count > digits_) {
      out.prepare(count - digits_);
      out.commit(count - digits_);
    }
    std::memmove(out.data() + start + count + 1, out.data() + text, size);
    out.truncate(start + count + 1 + size);
    digits_ = count;
  }
  std::memcpy(out.data() + start, digits, count);
  out.data()[start + count] = '#';
}

}  // namespace waybill::tcp
