// What a decoder chooses between: the member that a key names, and the alternative of a variant. Private to walk_decode.hpp.
#pragma once

#include "waybill/format/coding.hpp"
#include "waybill/format/player.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace waybill::format {

inline constexpr std::size_t k_no_field = static_cast<std::size_t>(-1);

template <class Key>
std::size_t find_field(Key& key, const ObjectType& type, std::size_t expected) {
  const std::size_t count = type.fields.size();
  for (std::size_t i = 0, at = expected; i < count; ++i, ++at) {
    if (at >= count) at = 0;
    if (key.is(type.fields[at])) return at;
  }
  if (key.is_exact()) return k_no_field;
  const std::string_view text = key.text();
  for (std::size_t i = 0; i < count; ++i) {
    if (type.fields[i].name == text) return i;
  }
  return k_no_field;
}

/// Whether a value of the kind may be read from what is there. True if in doubt.
inline bool may_be(Kind kind, Found there) noexcept {
  if (there == Found::unknown) return true;
  if (kind >= Kind::int8 && kind <= Kind::float64) return there == Found::number;
  switch (kind) {
    case Kind::null: return there == Found::null;
    case Kind::boolean: return there == Found::boolean;
    case Kind::text: return there == Found::text;
    case Kind::list:
    case Kind::tuple: return there == Found::list;
    case Kind::map:
    case Kind::object: return there == Found::map;
    default: return true;
  }
}

/// What fits a variant, for errors: "an integer, a text or an Order object".
inline std::string alternatives_text(const VariantType& type) {
  std::string text;
  for (std::size_t i = 0; i < type.alternatives.size(); ++i) {
    if (i) text += i + 1 == type.alternatives.size() ? " or " : ", ";
    text += describe_expected(type.alternatives[i]());
  }
  return text;
}

/// Whether an object of the type may be there, by its own members and not by what is in them: as long as the
/// alternatives of variants within variants can be told apart so, nothing is read twice. True if in doubt, and for what is no object.
template <class Reader, class Value>
bool may_be_object(Reader& reader, Value& from, const TypeInfo& alternative) {
  if (alternative.kind != Kind::object) return true;
  const auto& type = static_cast<const ObjectType&>(alternative);
  std::size_t expected = 0;
  bool fits = true;
  SeenFields seen(type.fields.size());
  const Read read = reader.map(from, [&](auto& key, auto& content) {
    const std::size_t index = find_field(key, type, expected);
    if (index == k_no_field) return reader.skip(content);
    const Field& field = type.fields[index];
    expected = index + 1;
    seen.add(index);
    const Found there = reader.found(content);
    fits = fits && may_be(field.kind, there);
    if (field.kind != Kind::enumeration || there != Found::text) return reader.skip(content);
    std::string_view name;
    if (reader.text(content, name) != Read::ok) return false;
    fits = fits && find_enum(static_cast<const EnumType&>(field.type()), name);
    return true;
  });
  if (read != Read::ok) return true;  // reading it will say why
  for (std::size_t i = 0; fits && i < type.fields.size(); ++i) fits = !type.fields[i].required || seen.has(i);
  return fits;
}

/// How much may be read again. Variants within variants are read again with each alternative of those around them, so
/// what is read doubles with each level when the last member does not fit. A value that fits without going back costs its
/// size once a level, and at most every second level is a variant: that is allowed, and a little more.
class Rereading {
 public:
  /// Whether one more variant, of so many bytes, may be read.
  bool allows(std::size_t size) noexcept {
    if (depth_ == 0) left_ += k_max_depth / 4 * size;
    if (size > left_) return false;
    left_ -= size;
    return true;
  }
  /// Whether a variant is being read: one within it is read once for each alternative around it.
  bool is_inside() const noexcept { return depth_ > 0; }
  /// Lives while the alternatives of a variant are tried.
  class Inside {
   public:
    explicit Inside(Rereading& rereading) noexcept : rereading_(rereading) { ++rereading_.depth_; }
    ~Inside() { --rereading_.depth_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Rereading& rereading_;
  };

 private:
  std::size_t left_ = 1u << 20;  // bytes
  int depth_ = 0;
};

}  // namespace waybill::format
