#include "waybill/format/json_value.hpp"

#include "waybill/format/coding.hpp"
#include "waybill/format/json_text.hpp"
#include "waybill/format/utf8.hpp"

#include <algorithm>

namespace waybill::format {

namespace {

/// `depth`: how many levels may still come.
bool read(JsonReader& reader, JsonValue& into, int depth) {
  switch (reader.peek()) {
    case '"': {
      std::string text;
      if (!reader.read_string(text)) return false;
      into = JsonValue(text);
      return true;
    }
    case '[':
      into = JsonValue::list();
      if (depth == 0 || !reader.take('[')) return false;
      if (reader.take(']')) return true;
      do {
        if (!read(reader, into.add(JsonValue()), depth - 1)) return false;
      } while (reader.take(','));
      return reader.take(']');
    case '{': {
      into = JsonValue::object();
      if (depth == 0 || !reader.take('{')) return false;
      if (reader.take('}')) return true;
      std::string name;
      do {
        if (!reader.read_string(name) || !reader.take(':') || !read(reader, into[name], depth - 1)) return false;
      } while (reader.take(','));
      return reader.take('}');
    }
    default: break;
  }
  for (const std::string_view word : {"true", "false", "null"}) {
    if (reader.peek() != word.front()) continue;
    into = JsonValue::literal(word);
    return reader.read_word(word);
  }
  std::string_view digits;
  if (!reader.read_number_text(digits)) return false;
  into = JsonValue::literal(digits);
  return true;
}

}  // namespace

JsonValue::JsonValue() : content_("null") {}
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
JsonValue::~JsonValue() = default;
JsonValue::JsonValue(std::string_view text) : kind_(Kind::text), content_(text) {}

JsonValue JsonValue::list() { return list(std::vector<JsonValue>()); }
JsonValue JsonValue::object() { return object(std::initializer_list<Member>()); }

JsonValue JsonValue::literal(std::string_view written) {
  JsonValue value;
  value.content_ = written;
  return value;
}

JsonValue JsonValue::list(std::vector<JsonValue> items) {
  JsonValue value;
  value.kind_ = Kind::list;
  value.content_.clear();
  value.items_ = std::move(items);
  return value;
}

JsonValue JsonValue::object(std::initializer_list<Member> members) {
  JsonValue value;
  value.kind_ = Kind::object;
  value.content_.clear();
  value.members_ = members;
  return value;
}

std::optional<JsonValue> JsonValue::parse(std::string_view json) {
  JsonReader reader(json);
  JsonValue value;
  if (!is_utf8(json) || !read(reader, value, k_max_depth) || !reader.at_end()) return std::nullopt;
  return value;
}

const JsonValue* JsonValue::find(std::string_view name) const noexcept {
  const auto is_it = [name](const Member& member) { return member.name == name; };
  const auto found = std::find_if(members_.begin(), members_.end(), is_it);
  return found == members_.end() ? nullptr : &found->value;
}

JsonValue& JsonValue::operator[](std::string_view name) {
  if (kind_ != Kind::object) *this = object();
  const auto is_it = [name](const Member& member) { return member.name == name; };
  const auto found = std::find_if(members_.begin(), members_.end(), is_it);
  if (found != members_.end()) return found->value;
  members_.push_back({std::string(name), JsonValue()});
  return members_.back().value;
}

JsonValue& JsonValue::set(std::string_view name, JsonValue value) {
  (*this)[name] = std::move(value);
  return *this;
}

std::optional<JsonValue> JsonValue::take(std::string_view name) {
  const auto is_it = [name](const Member& member) { return member.name == name; };
  const auto found = std::find_if(members_.begin(), members_.end(), is_it);
  if (found == members_.end()) return std::nullopt;
  std::optional<JsonValue> value(std::move(found->value));
  members_.erase(found);
  return value;
}

JsonValue& JsonValue::add(JsonValue item) {
  if (kind_ != Kind::list) *this = list();
  return items_.emplace_back(std::move(item));
}

std::string JsonValue::to_text(std::size_t indent) const {
  std::string out;
  append(out, indent, 0);
  return out;
}

void JsonValue::append(std::string& out, std::size_t indent, std::size_t level) const {
  if (kind_ == Kind::literal) {
    out += content_;
    return;
  }
  if (kind_ == Kind::text) return append_quoted(content_, out);
  const bool is_map = kind_ == Kind::object;
  const std::size_t count = is_map ? members_.size() : items_.size();
  const auto new_line = [&](std::size_t at) {
    if (indent > 0 && count > 0) out += '\n' + std::string(indent * at, ' ');
  };
  out += is_map ? '{' : '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    new_line(level + 1);
    if (is_map) {
      append_quoted(members_[i].name, out);
      out += indent > 0 ? ": " : ":";
    }
    (is_map ? members_[i].value : items_[i]).append(out, indent, level + 1);
  }
  new_line(level);
  out += is_map ? '}' : ']';
}

bool JsonValue::operator==(const JsonValue& other) const {
  const auto same = [](const Member& a, const Member& b) { return a.name == b.name && a.value == b.value; };
  return kind_ == other.kind_ && content_ == other.content_ && items_ == other.items_ &&
         std::equal(members_.begin(), members_.end(), other.members_.begin(), other.members_.end(), same);
}

}  // namespace waybill::format
