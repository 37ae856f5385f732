#include "json_text.hpp"

#include "json_find.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace waybill::json {
namespace {

int utf8_length(unsigned char lead) noexcept { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

/// The well-formed character at `at`: its length; 0 if there is none, and then `maximal` is how many bytes one U+FFFD
/// stands for (the longest beginning of a character, at least one byte).
std::size_t character_at(std::string_view bytes, std::size_t at, std::size_t& maximal) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(at);
  maximal = 1;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const auto length = static_cast<std::size_t>(utf8_length(lead));
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= bytes.size() || byte(at + i) < low || byte(at + i) > high) {
      maximal = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

/// The surrogate whose three WTF-8 bytes stand at `at`; 0 if there is none.
std::uint32_t surrogate_at(std::string_view bytes, std::size_t at) noexcept {
  if (bytes.size() - at < 3 || static_cast<unsigned char>(bytes[at]) != 0xED) return 0;
  const auto b = static_cast<unsigned char>(bytes[at + 1]);
  const auto c = static_cast<unsigned char>(bytes[at + 2]);
  if (b < 0xA0 || b > 0xBF || c < 0x80 || c > 0xBF) return 0;
  return 0xD000u | static_cast<std::uint32_t>((b & 0x3F) << 6) | (c & 0x3Fu);
}

/// For text that is not UTF-8: lone surrogates become \udXXX, a pair of them the character that it stands for.
bool append_wobbly(std::string_view text, Buffer& out) {
  constexpr char k_hex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size();) {
    std::size_t ignored = 0;
    if (const std::size_t length = character_at(text, i, ignored)) {
      format::append_escaped(text.substr(i, length), out);
      i += length;
      continue;
    }
    const std::uint32_t unit = surrogate_at(text, i);
    if (!unit) return false;
    i += 3;
    const std::uint32_t next = i < text.size() ? surrogate_at(text, i) : 0;
    if (unit < 0xDC00 && next >= 0xDC00) {
      format::append_utf8(0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00), out);
      i += 3;
      continue;
    }
    const char escape[] = {'\\', 'u', 'd', k_hex[(unit >> 8) & 15], k_hex[(unit >> 4) & 15], k_hex[unit & 15]};
    out.append(escape, sizeof escape);
  }
  return true;
}

bool read_hex4(const char* at, const char* end, std::uint32_t& unit) noexcept {
  if (end - at < 4) return false;
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return false;
    }
    unit = unit * 16 + digit;
  }
  return true;
}

}  // namespace

bool append_quoted(std::string_view text, Buffer& out) {
  const TextCheck check = is_plain(text) ? TextCheck{} : check_text(text);
  if (!check.needs_escape && check.is_utf8) [[likely]] {
    char* const at = out.prepare(text.size() + 2);
    *at = '"';
    if (!text.empty()) std::memcpy(at + 1, text.data(), text.size());
    at[text.size() + 1] = '"';
    out.commit(text.size() + 2);
    return true;
  }
  const std::size_t start = out.size();
  out.push_back('"');
  if (check.is_utf8) {
    format::append_escaped(text, out);
  } else if (!append_wobbly(text, out)) {
    out.truncate(start);
    return false;
  }
  out.push_back('"');
  return true;
}

bool append_unescaped(std::string_view content, std::string& out) {
  const char* at = content.data();
  const char* const end = at + content.size();
  while (at < end) {
    const char* stop = static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(end - at)));
    if (!stop) stop = end;
    out.append(at, static_cast<std::size_t>(stop - at));
    if (stop == end) break;
    at = stop + 1;
    if (at == end) return false;
    switch (*at++) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '/': out += '/'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        std::uint32_t unit = 0;
        if (!read_hex4(at, end, unit)) return false;
        at += 4;
        std::uint32_t low = 0;
        if (unit >= 0xD800 && unit < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
            read_hex4(at + 2, end, low) && low >= 0xDC00 && low < 0xE000) {
          unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
          at += 6;
        }
        format::append_utf8(unit, out);
        break;
      }
      default: return false;
    }
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t maximal = 1;
    if (const std::size_t length = character_at(bytes, i, maximal)) {
      out.append(bytes, i, length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      i += maximal;
    }
  }
  return out;
}

}  // namespace waybill::json
