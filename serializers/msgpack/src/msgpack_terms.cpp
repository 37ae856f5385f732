#include "msgpack_terms.hpp"

#include "msgpack_cursor.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <charconv>
#include <cmath>

namespace waybill::msgpack {
namespace {

/// Reads JSON and packs what it reads. Patterns are small, so this is short rather than fast.
class JsonPacker {
 public:
  JsonPacker(std::string_view json, Buffer& out) : reader_(json), out_(out), stream_(out), packer_(stream_) {}

  bool pack_all() { return value(0) && reader_.at_end(); }

 private:
  bool value(int depth) {
    if (depth >= format::k_max_depth) return false;
    switch (reader_.peek()) {
      case 'n': return reader_.read_word("null") && (packer_.pack_nil(), true);
      case 't': return reader_.read_word("true") && (packer_.pack_true(), true);
      case 'f': return reader_.read_word("false") && (packer_.pack_false(), true);
      case '"': return text();
      case '{':
      case '[': return members(depth);
      default: return number();
    }
  }

  /// The count stands before the members, so they are packed first and moved behind it.
  bool members(int depth) {
    const bool is_object = reader_.take('{');
    if (!is_object) reader_.take('[');
    const char close = is_object ? '}' : ']';
    const std::size_t start = out_.size();
    std::uint32_t count = 0;
    if (!reader_.take(close)) {
      do {
        if (is_object && !(text() && reader_.take(':'))) return false;
        if (!value(depth + 1)) return false;
        ++count;
      } while (reader_.take(','));
      if (!reader_.take(close)) return false;
    }
    const std::string packed(out_.view().substr(start));
    out_.truncate(start);
    is_object ? packer_.pack_map(count) : packer_.pack_array(count);
    out_.append(packed);
    return true;
  }

  bool text() {
    std::string content;
    if (!reader_.read_string(content)) return false;
    pack_text(packer_, content);
    return true;
  }

  bool number() {
    std::string_view digits;
    if (!reader_.read_number_text(digits)) return false;
    bool negative = false;
    std::uint64_t magnitude = 0;
    if (format::exact_integer(digits, negative, magnitude)) {
      if (!negative) return packer_.pack_uint64(magnitude), true;
      if (magnitude <= std::uint64_t{1} << 63)
        return packer_.pack_int64(static_cast<std::int64_t>(0 - magnitude)), true;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc()) return false;  // out of range
    return packer_.pack_double(value), true;
  }

  format::JsonReader reader_;
  Buffer& out_;
  BufferStream stream_;
  Packer packer_;
};

bool append_number(double number, std::string& out) {
  if (std::isfinite(number)) {
    format::append_number(number, out);
  } else {
    out += "null";
  }
  return true;
}

bool append_value(const char*& at, const char* end, std::string& out, int depth) {
  const Head head = read_head(at, end);
  if (depth >= format::k_max_depth) return false;
  at = head.next;
  switch (head.type) {
    case Type::null: return out += "null", true;
    case Type::boolean: return out += head.flag ? "true" : "false", true;
    case Type::integer: return out += std::to_string(head.integer), true;
    case Type::natural: return out += std::to_string(head.natural), true;
    case Type::number: return append_number(head.number, out);
    case Type::text: return format::is_utf8(head.content) && (format::append_quoted(head.content, out), true);
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
