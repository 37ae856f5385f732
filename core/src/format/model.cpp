#include "waybill/format/model.hpp"

#include "waybill/detail/fields_types.hpp"

#include <deque>
#include <mutex>

namespace waybill::detail {
namespace {

/// Appends `,"name":`. Names come from source code, but a renamed field may hold anything.
void append_json_key(std::string_view name, std::string& out) {
  static constexpr char k_hex[] = "0123456789abcdef";
  out += ",\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += k_hex[byte >> 4];
      out += k_hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += "\":";
}

struct OwnedObjectType : ObjectType {
  std::vector<Field> own_fields;
  std::vector<std::string> keys;
};

struct OwnedEnumType : EnumType {
  std::vector<Entry> own_entries;
};

/// Descriptions outlive everything, destructors of other statics included; kept here so that leak checkers find them.
template <class Type>
Type& keep(Type type) {
  static std::mutex mutex;
  static auto& all = *new std::deque<Type>();
  const std::lock_guard lock(mutex);
  return all.emplace_back(std::move(type));
}

}  // namespace

const ObjectType& make_object_type(std::string_view name, std::vector<Field> fields) {
  auto& type = keep(OwnedObjectType{{{Kind::object, name}, {}}, std::move(fields), {}});
  type.keys.resize(type.own_fields.size());
  for (std::size_t i = 0; i < type.own_fields.size(); ++i) {
    append_json_key(type.own_fields[i].name, type.keys[i]);
    type.own_fields[i].json_key = type.keys[i];
  }
  type.fields = type.own_fields;
  return type;
}

const EnumType& make_enum_type(std::string_view name, std::vector<EnumType::Entry> entries,
                               std::int64_t (*load)(const void*), void (*store)(void*, std::int64_t)) {
  auto& type = keep(OwnedEnumType{{{Kind::enumeration, name}, {}, load, store}, std::move(entries)});
  type.entries = type.own_entries;
  return type;
}

// GCC writes "{Color::red, (Color)1}", clang "<Color::red, (Color)1>": what starts with a name has one.
std::vector<EnumType::Entry> enum_names(std::string_view pretty, std::int64_t first) {
  std::vector<EnumType::Entry> entries;
  const std::size_t gcc = pretty.rfind("= {");
  const std::size_t clang = pretty.rfind("= <");
  const bool is_gcc = gcc != std::string_view::npos;
  if (!is_gcc && clang == std::string_view::npos) return entries;
  std::size_t at = (is_gcc ? gcc : clang) + 3;
  int depth = 0;
  std::size_t begin = at;
  std::int64_t value = first;
  for (; at < pretty.size(); ++at) {
    const char c = pretty[at];
    const bool closes = depth == 0 && (c == '}' || c == '>');
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (!closes && (c == '>' || c == ')' || c == '}')) --depth;
    if (depth || !(closes || c == ',')) continue;
    std::string_view item = pretty.substr(begin, at - begin);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    const bool is_number =
        item.empty() || item.front() == '(' || item.front() == '-' || (item.front() >= '0' && item.front() <= '9');
    if (!is_number) {
      const std::size_t colon = item.rfind(':');
      entries.push_back({value, colon == std::string_view::npos ? item : item.substr(colon + 1)});
    }
    ++value;
    begin = at + 1;
    if (closes) break;
  }
  return entries;
}

}  // namespace waybill::detail
