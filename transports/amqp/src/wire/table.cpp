#include "wire/table.hpp"

#include "protocol/frame.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace waybill::amqp {
namespace {

constexpr int k_max_depth = 32;

/// Reads on from the front of `rest`; every step checks that the bytes are there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}
  bool is_done() const noexcept { return rest_.empty(); }
  const char* at() const noexcept { return rest_.data(); }

  template <class T>
  bool number(T& value) noexcept {
    if (rest_.size() < sizeof(T)) return false;
    value = load<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  bool bytes(std::size_t count, std::string_view& value) noexcept {
    if (rest_.size() < count) return false;
    value = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return true;
  }
  bool short_text(std::string_view& value) noexcept {
    std::uint8_t size = 0;
    return number(size) && bytes(size, value);
  }
  bool long_text(std::string_view& value) noexcept {
    std::uint32_t size = 0;
    return number(size) && bytes(size, value);
  }

 private:
  std::string_view rest_;
};

template <class T>
void append_number(T number, std::string& json) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) {
      json += "null";
      return;
    }
  }
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  json.append(digits, end);
}

template <class Wire, class T = Wire>
bool read_number(Reader& reader, std::string& json) {
  Wire bits = 0;
  if (!reader.number(bits)) return false;
  append_number(std::bit_cast<T>(bits), json);
  return true;
}

bool append_json(Reader& reader, char kind, std::string& json, int depth);

bool append_members(std::string_view bytes, std::string& json, bool is_table, int depth) {
  if (depth > k_max_depth) return false;
  Reader reader(bytes);
  json += is_table ? '{' : '[';
  for (bool first = true; !reader.is_done(); first = false) {
    if (!first) json += ',';
    std::string_view name;
    if (is_table) {
      if (!reader.short_text(name)) return false;
      format::append_quoted(name, json);
      json += ':';
    }
    std::uint8_t kind = 0;
    if (!reader.number(kind) || !append_json(reader, static_cast<char>(kind), json, depth)) return false;
  }
  json += is_table ? '}' : ']';
  return true;
}

bool append_json(Reader& reader, char kind, std::string& json, int depth) {
  std::string_view text;
  switch (kind) {
    case 'S':
    case 'x':
      if (!reader.long_text(text)) return false;
      format::append_quoted(format::is_utf8(text) ? text : std::string_view("?"), json);
      return true;
    case 't': {
      std::uint8_t value = 0;
      if (!reader.number(value)) return false;
      json += value ? "true" : "false";
      return true;
    }
    case 'b': return read_number<std::uint8_t, std::int8_t>(reader, json);
    case 'B': return read_number<std::uint8_t>(reader, json);
    case 's': return read_number<std::uint16_t, std::int16_t>(reader, json);
    case 'u': return read_number<std::uint16_t>(reader, json);
    case 'I': return read_number<std::uint32_t, std::int32_t>(reader, json);
    case 'i': return read_number<std::uint32_t>(reader, json);
    case 'l': return read_number<std::uint64_t, std::int64_t>(reader, json);
    case 'L':
    case 'T': return read_number<std::uint64_t>(reader, json);
    case 'f': return read_number<std::uint32_t, float>(reader, json);
    case 'd': return read_number<std::uint64_t, double>(reader, json);
    case 'D': {
      std::uint8_t places = 0;
      std::uint32_t digits = 0;
      if (!reader.number(places) || !reader.number(digits)) return false;
      append_number(static_cast<double>(digits) / std::pow(10.0, places), json);
      return true;
    }
    case 'V': json += "null"; return true;
    case 'F': return reader.long_text(text) && append_members(text, json, true, depth + 1);
    case 'A': return reader.long_text(text) && append_members(text, json, false, depth + 1);
    default: return false;
  }
}

}  // namespace

bool read_table(std::string_view table, Headers& headers, std::string& typed) {
  if (table.empty()) return true;
  Reader reader(table);
  Headers read;
  bool has_types = false;
  std::string json;
  while (!reader.is_done()) {
    std::string_view name;
    std::uint8_t kind = 0;
    if (!reader.short_text(name) || !reader.number(kind)) return false;
    if (kind == 'S' || kind == 'x') {
      std::string_view text;
      if (!reader.long_text(text)) return false;
      read.set(name, text);
      continue;
    }
    has_types = true;
    json.clear();
    if (!append_json(reader, static_cast<char>(kind), json, 0)) return false;
    read.set(name, json);
  }
  if (has_types) {
    json.clear();
    append_members(table, json, true, 0);
    typed = std::move(json);
  }
  for (const auto& [name, value] : read) headers.set(name, value);
  return true;
}

namespace {

bool skip_value(Reader& reader, char kind) {
  std::string_view skipped;
  switch (kind) {
    case 'V': return true;
    case 't':
    case 'b':
    case 'B': return reader.bytes(1, skipped);
    case 's':
    case 'u': return reader.bytes(2, skipped);
    case 'I':
    case 'i':
    case 'f': return reader.bytes(4, skipped);
    case 'D': return reader.bytes(5, skipped);
    case 'l':
    case 'L':
    case 'T':
    case 'd': return reader.bytes(8, skipped);
    case 'S':
    case 'x':
    case 'F':
    case 'A': return reader.long_text(skipped);
    default: return false;
  }
}

}  // namespace

bool copy_entries(Buffer& out, std::string_view table, std::span<const std::string_view> without,
                  std::string_view wanted, std::string_view& value) {
  Reader reader(table);
  while (!reader.is_done()) {
    const char* const entry = reader.at();
    std::string_view name;
    std::uint8_t kind = 0;
    if (!reader.short_text(name) || !reader.number(kind)) return false;
    const char* const begins = reader.at();
    if (!skip_value(reader, static_cast<char>(kind))) return false;
    if (name == wanted && kind == 'S') value = {begins + 4, static_cast<std::size_t>(reader.at() - begins) - 4};
    if (std::find(without.begin(), without.end(), name) != without.end()) continue;
    out.append({entry, static_cast<std::size_t>(reader.at() - entry)});
  }
  return true;
}

void append_table(Buffer& out, const Headers& headers, std::string_view extra) {
  const std::size_t start = out.size();
  store<std::uint32_t>(out.prepare(4), 0);
  out.commit(4);
  out.append(extra);
  for (const auto& [name, value] : headers) append_entry(out, name, value);
  store<std::uint32_t>(out.data() + start, static_cast<std::uint32_t>(out.size() - start - 4));
}

void append_entry(Buffer& out, std::string_view name, std::string_view value) {
  if (name.size() > 255) return;
  char* at = out.prepare(1 + name.size() + 1 + 4);
  at = store_short_text(at, name);
  *at++ = format::is_utf8(value) ? 'S' : 'x';
  store<std::uint32_t>(at, static_cast<std::uint32_t>(value.size()));
  out.commit(1 + name.size() + 1 + 4);
  out.append(value);
}

void append_text_entry(std::string& out, std::string_view name, std::string_view value) {
  char head[1 + 255 + 1 + 4];
  char* at = store_short_text(head, name);
  *at++ = 'S';
  at = store<std::uint32_t>(at, static_cast<std::uint32_t>(value.size()));
  out.append(head, at);
  out.append(value);
}

}  // namespace waybill::amqp
