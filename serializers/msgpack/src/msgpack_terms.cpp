#include "msgpack_terms.hpp"

#include "msgpack_cursor.hpp"

#include <charconv>
#include <cmath>

namespace waybill::msgpack {
namespace {

/// Reads JSON and packs what it reads. Patterns are small, so this is short rather than fast.
class JsonPacker {
 public:
  JsonPacker(std::string_view json, Buffer& out) : rest_(json), out_(out), stream_(out), packer_(stream_) {}

  bool pack_all() {
    if (!value(0)) return false;
    space();
    return rest_.empty();
  }

 private:
  void space() {
    while (!rest_.empty() && std::string_view(" \n\r\t").find(rest_.front()) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }
  bool take(std::string_view text) {
    space();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool value(int depth) {
    if (depth >= detail::k_max_depth) return false;
    if (take("null")) return packer_.pack_nil(), true;
    if (take("true")) return packer_.pack_true(), true;
    if (take("false")) return packer_.pack_false(), true;
    if (take("{")) return members('}', depth);
    if (take("[")) return members(']', depth);
    std::string text;
    if (take("\"")) return content(text) && (pack_text(packer_, text), true);
    return number();
  }

  /// The count stands before the members, so they are packed first and moved behind it.
  bool members(char close, int depth) {
    const std::size_t start = out_.size();
    std::uint32_t count = 0;
    const std::string_view end(&close, 1);
    if (!take(end)) {
      do {
        std::string name;
        if (close == '}' && !(take("\"") && content(name) && take(":"))) return false;
        if (close == '}') pack_text(packer_, name);
        if (!value(depth + 1)) return false;
        ++count;
      } while (take(","));
      if (!take(end)) return false;
    }
    const std::string packed(out_.view().substr(start));
    out_.truncate(start);
    close == '}' ? packer_.pack_map(count) : packer_.pack_array(count);
    out_.append(packed);
    return true;
  }

  bool unit(std::uint32_t& code) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (error != std::errc() || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  static void append_utf8(std::uint32_t code, std::string& out) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xC0 | (code >> 6));
    } else {
      if (code < 0x10000) {
        put(0xE0 | (code >> 12));
      } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
      }
      put(0x80 | ((code >> 6) & 0x3F));
    }
    put(0x80 | (code & 0x3F));
  }

  bool escaped(std::string& text) {
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view k_from = "\"\\/bfnrt";
    constexpr std::string_view k_to = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = k_from.find(kind); at != std::string_view::npos) return text += k_to[at], true;
    std::uint32_t code = 0;
    if (kind != 'u' || !unit(code)) return false;
    if (code >= 0xD800 && code < 0xE000) {  // half of a pair, or a lone surrogate: MessagePack has only UTF-8
      std::uint32_t low = 0;
      const std::string_view before = rest_;
      if (code < 0xDC00 && rest_.starts_with("\\u") && (rest_.remove_prefix(2), unit(low)) && low >= 0xDC00 &&
          low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        rest_ = before;
        code = 0xFFFD;
      }
    }
    append_utf8(code, text);
    return true;
  }

  bool content(std::string& text) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        text += c;
      } else if (!escaped(text)) {
        return false;
      }
    }
    return false;
  }

  bool number() {
    const std::size_t size = std::min(rest_.find_first_not_of("+-.0123456789eE"), rest_.size());
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    bool negative = false;
    std::uint64_t magnitude = 0;
    if (text.empty()) return false;
    if (detail::exact_integer(text, negative, magnitude)) {
      if (!negative) return packer_.pack_uint64(magnitude), true;
      if (magnitude <= std::uint64_t{1} << 63)
        return packer_.pack_int64(static_cast<std::int64_t>(0 - magnitude)), true;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    return packer_.pack_double(value), true;
  }

  std::string_view rest_;
  Buffer& out_;
  BufferStream stream_;
  Packer packer_;
};

void append_quoted(std::string_view text, std::string& out) {
  constexpr char k_hex[] = "0123456789abcdef";
  constexpr std::string_view k_from = "\"\\\b\f\n\r\t";
  constexpr std::string_view k_to = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    if (const std::size_t at = k_from.find(c); at != std::string_view::npos) {
      out += '\\';
      out += k_to[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += k_hex[c >> 4];
      out += k_hex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

bool append_number(double number, std::string& out) {
  if (!std::isfinite(number)) return out += "null", true;
  char text[40];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
  return true;
}

bool append_value(const char*& at, const char* end, std::string& out, int depth) {
  const Head head = read_head(at, end);
  if (depth >= detail::k_max_depth) return false;
  at = head.next;
  switch (head.type) {
    case Type::null: return out += "null", true;
    case Type::boolean: return out += head.flag ? "true" : "false", true;
    case Type::integer: return out += std::to_string(head.integer), true;
    case Type::natural: return out += std::to_string(head.natural), true;
    case Type::number: return append_number(head.number, out);
    case Type::text: return detail::is_utf8(head.content) && (append_quoted(head.content, out), true);
    case Type::list:
    case Type::map: break;
    default: return false;
  }
  const bool is_map = head.type == Type::map;
  out += is_map ? '{' : '[';
  for (std::uint32_t i = 0; i < head.count; ++i) {
    if (i) out += ',';
    if (is_map) {
      if (read_head(at, end).type != Type::text || !append_value(at, end, out, depth + 1)) return false;
      out += ':';
    }
    if (!append_value(at, end, out, depth + 1)) return false;
  }
  out += is_map ? '}' : ']';
  return true;
}

}  // namespace

bool pack_json(std::string_view json, Buffer& out) {
  const std::size_t start = out.size();
  if (JsonPacker(json, out).pack_all()) return true;
  out.truncate(start);
  return false;
}

bool append_json(std::string_view value, std::string& out) {
  const char* at = value.data();
  return append_value(at, at + value.size(), out, 0);
}

}  // namespace waybill::msgpack
