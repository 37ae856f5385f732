#include "wire/value.hpp"

#include "waybill/fields.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/payload.hpp"

#include <charconv>
#include <cstdint>
#include <map>

namespace waybill::kafka {
namespace {

constexpr std::string_view k_buffer_head = R"({"type":"Buffer","data":[)";

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view k_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(k_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(k_space) - first + 1);
}

/// Lone surrogates are kept in our texts (as three bytes ED A0..BF xx); Node.js writes U+FFFD for them.
void replace_surrogates(std::string& text) {
  for (std::size_t at = text.find('\xED'); at != std::string::npos && at + 2 < text.size();
       at = text.find('\xED', at + 3)) {
    if (static_cast<unsigned char>(text[at + 1]) >= 0xA0) text.replace(at, 3, "\xEF\xBF\xBD");
  }
}

Slice text_payload(std::string_view bytes, const Serializer& json) {
  Buffer out;
  if (json.encode(ValueRef::of(bytes), out)) return out.take();
  // Not UTF-8: the serializer's reader puts U+FFFD where Node.js does.
  std::string quoted;
  format::append_quoted(bytes, quoted);
  std::string repaired;
  if (json.decode(Slice::copy(quoted), ValueOut::of(repaired)) && json.encode(ValueRef::of(repaired), out)) {
    return out.take();
  }
  return Slice::copy("null");
}

Slice bytes_payload(std::string_view bytes) {
  Buffer out;
  out.append(k_buffer_head);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i) out.push_back(',');
    out.append(std::to_string(static_cast<unsigned char>(bytes[i])));
  }
  out.append("]}");
  return out.take();
}

template <class Number>
std::optional<Number> number_in(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// A Kafka message `{key, value, headers, partition, timestamp}`.
Result<RecordContent> encode_message(const std::map<std::string, Payload>& members, const Serializer& json) {
  RecordContent content;
  content.storage = std::make_unique<std::string[]>(4);
  const auto part = [&](const char* name, std::size_t place) -> Result<Bytes> {
    const auto member = members.find(name);
    if (member == members.end()) return Bytes();
    std::string& storage = content.storage[place];
    auto bytes = encode_value(member->second.bytes(), json, storage);
    if (!bytes || !*bytes) return bytes;
    // The member's own bytes end with this function.
    if ((*bytes)->data() != storage.data()) storage.assign(**bytes);
    return Bytes(std::string_view(storage));
  };
  auto key = part("key", 0);
  if (!key) return key.error();
  auto value = part("value", 1);
  if (!value) return value.error();
  content.key = *key;
  content.value = *value;
  if (const auto partition = part("partition", 2); partition && *partition) {
    content.partition = number_in<std::int32_t>(**partition);
  }
  if (const auto timestamp = part("timestamp", 3); timestamp && *timestamp) {
    content.timestamp = number_in<std::int64_t>(**timestamp);
  }
  if (const auto headers = members.find("headers"); headers != members.end()) {
    std::map<std::string, Payload> each;
    if (json.decode(headers->second.bytes(), ValueOut::of(each))) {
      for (const auto& [name, header] : each) {
        std::string storage;
        const auto bytes = encode_value(header.bytes(), json, storage);
        if (!bytes) return bytes.error();
        content.headers.emplace_back(name, *bytes ? std::optional(std::string(**bytes)) : std::nullopt);
      }
    }
  }
  return content;
}

}  // namespace

Result<Bytes> encode_value(const Slice& payload, const Serializer& json, std::string& storage) {
  const std::string_view text = trim(payload.view());
  if (text.empty() || text == "null") return Bytes();
  if (text.front() == '"') {
    const std::string_view inner = text.substr(1, text.size() - 2);
    const bool is_plain = text.size() >= 2 && inner.find_first_of("\\\xED") == std::string_view::npos;
    if (is_plain) return Bytes(inner);
    if (auto read = json.decode(payload, ValueOut::of(storage)); !read) return read.error();
    replace_surrogates(storage);
    return Bytes(std::string_view(storage));
  }
  if (text.starts_with(k_buffer_head)) {
    std::vector<std::byte> bytes;
    if (json.decode(payload, ValueOut::of(bytes))) {
      storage.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Bytes(std::string_view(storage));
    }
  }
  if (text == "-0") return Bytes("0");
  return Bytes(text);
}

Result<RecordContent> encode_content(const Slice& payload, const Serializer& json) {
  const std::string_view text = trim(payload.view());
  // Searched for without the quote in front: quotes are everywhere, which makes for slow searches.
  const bool may_be_message = text.starts_with('{') && (text.find("key\"") != std::string_view::npos ||
                                                        text.find("value\"") != std::string_view::npos);
  if (may_be_message) {
    std::map<std::string, Payload> members;
    if (auto read = json.decode(payload, ValueOut::of(members)); !read) return read.error();
    if (members.contains("key") || members.contains("value")) return encode_message(members, json);
  }
  RecordContent content;
  std::string storage;
  auto value = encode_value(payload, json, storage);
  if (!value) return value.error();
  content.value = *value;
  if (content.value && content.value->data() == storage.data()) {
    content.storage = std::make_unique<std::string[]>(1);
    content.storage[0] = std::move(storage);
    content.value = content.storage[0];
  }
  return content;
}

Slice decode_value(Bytes bytes, const Serializer& json) {
  if (!bytes) return Slice::copy("null");
  if (bytes->starts_with('\0')) return bytes_payload(*bytes);
  if (bytes->starts_with('{') || bytes->starts_with('[')) {
    Slice payload = Slice::copy(*bytes);
    Payload checked;
    const Result<void> read = json.decode(payload, ValueOut::of(checked));
    if (read || read.error().code() == errc::payload_mismatch)
      return payload;  // nested too deep: who decodes it is told
  }
  return text_payload(*bytes, json);
}

}  // namespace waybill::kafka
