// Descriptions of the types that the standard library has, each made from what the type can do. Private to fields.hpp.
#pragma once

#include "waybill/detail/fields_time.hpp"
#include "waybill/format/model.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace waybill::detail {

template <class T, template <class...> class Template>
inline constexpr bool is_a = false;
template <class... Args, template <class...> class Template>
inline constexpr bool is_a<Template<Args...>, Template> = true;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
concept MapLike = requires(T map) {
  typename T::key_type;
  typename T::mapped_type;
  map.begin();
  map.clear();
  map.find(std::declval<const typename T::key_type&>());
};

template <class T>
concept SetLike = requires(T set) {
  typename T::key_type;
  typename T::value_type;
  set.begin();
  set.clear();
  set.insert(std::declval<typename T::value_type&&>());
}
&&!MapLike<T>;

template <class T>
concept SequenceLike = requires(T list) {
  typename T::value_type;
  list.begin();
  list.clear();
  list.emplace_back();
};

/// Gives kind(), k_is_required and info() of T once it is known how T is to be described; see fields.hpp.
template <class T>
struct Description;

// --- optional, unique_ptr, shared_ptr

template <class T>
const OptionalType& optional_type() {
  using Content = std::remove_cvref_t<decltype(*std::declval<T&>())>;
  static constexpr OptionalType type{
      {Kind::optional, "optional"},
      &type_of<Content>,
      [](const void* value) -> const void* { return as<T>(value) ? &*as<T>(value) : nullptr; },
      [](void* value) -> void* {
        if constexpr (requires { as<T>(value).emplace(); }) {
          return &as<T>(value).emplace();
        } else {
          as<T>(value) = T(new Content());
          return as<T>(value).get();
        }
      },
      [](void* value) { as<T>(value).reset(); },
      is_a<T, std::optional> ? 0 : sizeof(Content)};
  return type;
}

// --- sequences, sets, arrays

template <class T>
bool each_item(const void* list, bool (*visit)(void*, const void*), void* context) {
  for (const auto& item : as<T>(list)) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(item)>, typename T::value_type>) {
      if (!visit(context, &item)) return false;
    } else {  // std::vector<bool>
      const typename T::value_type copy = item;
      if (!visit(context, &copy)) return false;
    }
  }
  return true;
}

template <class T>
bool append_item(void* list, [[maybe_unused]] std::size_t index, Fill fill) {
  T& items = as<T>(list);
  using Item = typename T::value_type;
  if constexpr (is_std_array<T>) {
    return fill(&items[index]);
  } else if constexpr (SequenceLike<T> && !std::is_same_v<T, std::vector<bool>>) {
    return fill(&items.emplace_back());
  } else {
    Item item{};
    if (!fill(&item)) return false;
    if constexpr (SetLike<T>) {
      items.insert(std::move(item));
    } else {
      items.push_back(item);
    }
    return true;
  }
}

template <class T>
consteval std::size_t fixed_size() {
  if constexpr (is_std_array<T>) return std::tuple_size_v<T>;
  return ListType::k_any_size;
}

template <class T>
const ListType& list_type() {
  static constexpr ListType type{{Kind::list, "list"},
                                 &type_of<typename T::value_type>,
                                 fixed_size<T>(),
                                 [](const void* list) -> std::size_t { return as<T>(list).size(); },
                                 &each_item<T>,
                                 [](void* list) {
                                   if constexpr (!is_std_array<T>) as<T>(list).clear();
                                 },
                                 &append_item<T>,
                                 is_std_array<T> ? 0 : sizeof(typename T::value_type)};
  return type;
}

template <class T>
const BytesType& bytes_type() {
  static constexpr BytesType type{{Kind::bytes, "bytes"},
                                  [](const void* value) {
                                    return std::string_view(reinterpret_cast<const char*>(as<T>(value).data()),
                                                            as<T>(value).size());
                                  },
                                  [](void* value, std::string_view bytes) {
                                    as<T>(value).resize(bytes.size());
                                    if (!bytes.empty()) std::memcpy(as<T>(value).data(), bytes.data(), bytes.size());
                                  }};
  return type;
}

// --- maps

template <class Key, class Use>
bool with_key_text(const Key& key, Use use) {
  if constexpr (std::is_integral_v<Key>) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, key).ptr;
    return use(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  } else {
    return use(std::string_view(key));
  }
}

template <class Key>
bool parse_key(std::string_view text, Key& key) {
  if constexpr (std::is_integral_v<Key>) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
    return error == std::errc() && end == text.data() + text.size();
  } else {
    key = Key(text);
    return true;
  }
}

template <class T>
bool each_entry(const void* map, bool (*visit)(void*, std::string_view, const void*), void* context) {
  for (const auto& [key, value] : as<T>(map)) {
    const void* address = &value;
    if (!with_key_text(key, [&](std::string_view text) { return visit(context, text, address); })) return false;
  }
  return true;
}

template <class T>
MapType::Added append_entry(void* map, std::string_view text, Fill fill) {
  typename T::key_type key{};
  if (!parse_key(text, key)) return MapType::Added::bad_key;
  T& entries = as<T>(map);
  if (const auto old = entries.find(key); old != entries.end()) entries.erase(old);
  auto& value = entries.try_emplace(std::move(key)).first->second;
  return fill(&value) ? MapType::Added::ok : MapType::Added::stopped;
}

/// What a map takes for an entry besides its content, about: two or three pointers, and the allocator's share.
inline constexpr std::size_t k_node_size = 48;

template <class T>
const MapType& map_type() {
  using Key = typename T::key_type;
  static_assert((std::is_integral_v<Key> && !std::is_same_v<Key, bool>) || std::is_same_v<Key, std::string>,
                "waybill: the keys of a map must be std::string or integers, because formats name members by text");
  static constexpr MapType type{{Kind::map, "map"},
                                &type_of<typename T::mapped_type>,
                                std::is_integral_v<Key> ? "an integer" : "a text",
                                [](const void* map) -> std::size_t { return as<T>(map).size(); },
                                &each_entry<T>,
                                [](void* map) { as<T>(map).clear(); },
                                &append_entry<T>,
                                sizeof(typename T::value_type) + k_node_size};
  return type;
}

// --- tuple, pair

template <class Member>
Field field_at(std::string_view name, std::size_t offset, void (*restore)(void*) = nullptr) {
  return {name, {}, offset, Description<Member>::kind(), Description<Member>::is_required(), &type_of<Member>, restore};
}

/// Whether decoding a second value into a Member leaves something of the first: lists and maps are cleared, and what
/// optionals and variants hold is made anew.
template <class Member>
consteval bool is_merged() {
  constexpr Kind kind = Description<Member>::kind();
  return kind == Kind::object || kind == Kind::tuple || kind == Kind::dynamic || is_std_array<Member>;
}

/// Field::restore of the member that `Get` finds in a T.
template <class T, class Member, class Get>
consteval auto restore_of() -> void (*)(void*) {
  if constexpr (is_merged<Member>() && std::is_default_constructible_v<T> && std::is_move_assignable_v<Member>) {
    return [](void* member) {
      T fresh{};
      as<Member>(member) = std::move(Get::from(fresh));
    };
  } else {
    return nullptr;
  }
}

template <class T, std::size_t... I>
const TupleType& make_tuple_type(std::index_sequence<I...>) {
  struct Made : TupleType {
    Made() : TupleType{{Kind::tuple, "tuple"}, {}} {
      T sample{};
      const char* start = reinterpret_cast<const char*>(&sample);
      ((fields[I] = field_at<std::tuple_element_t<I, T>>(
            {}, static_cast<std::size_t>(reinterpret_cast<const char*>(&std::get<I>(sample)) - start))),
       ...);
      items = std::span(fields, sizeof...(I));
    }
    Field fields[sizeof...(I) + 1];
  };
  static const Made type;
  return type;
}
template <class T>
const TupleType& tuple_type() {
  return make_tuple_type<T>(std::make_index_sequence<std::tuple_size_v<T>>());
}

// --- variant

template <class T, std::size_t... I>
const VariantType& make_variant_type(std::index_sequence<I...>) {
  static constexpr TypeAccess alternatives[] = {&type_of<std::variant_alternative_t<I, T>>...};
  static constexpr VariantType type{
      {Kind::variant, "variant"},
      alternatives,
      [](const void* value) -> std::size_t { return as<T>(value).index(); },
      [](const void* value) -> const void* {
        const void* content = nullptr;
        ((as<T>(value).index() == I ? void(content = std::get_if<I>(&as<T>(value))) : void()), ...);
        return content;
      },
      [](void* value, std::size_t index) -> void* {
        void* content = nullptr;
        ((index == I ? void(content = &as<T>(value).template emplace<I>()) : void()), ...);
        return content;
      }};
  return type;
}
template <class T>
const VariantType& variant_type() {
  return make_variant_type<T>(std::make_index_sequence<std::variant_size_v<T>>());
}

// --- enumerations: the names of all values in a range, from one instantiation

/// The names in the text of a pack of values that starts with `first`. The names live as long as `pretty`.
std::vector<EnumType::Entry> enum_names(std::string_view pretty, std::int64_t first);

template <class E, E... Values>
std::string_view pretty_enum_values() {
  return __PRETTY_FUNCTION__;
}

template <class E>
consteval std::int64_t first_enum_value() {
  return std::is_signed_v<std::underlying_type_t<E>> && requires { E{0}; }
  ? -16 : 0;
}

template <class E, int... I>
std::vector<EnumType::Entry> find_enum_names(std::integer_sequence<int, I...>) {
  using Number = std::underlying_type_t<E>;
  constexpr std::int64_t first = first_enum_value<E>();
  return enum_names(pretty_enum_values<E, __builtin_bit_cast(E, static_cast<Number>(first + I))...>(), first);
}

/// Owns what an EnumType shows: made once, never destroyed.
const EnumType& make_enum_type(std::string_view name, std::vector<EnumType::Entry> entries,
                               std::int64_t (*load)(const void*), void (*store)(void*, std::int64_t));

template <class E>
const EnumType& enum_type(std::string_view name, std::vector<EnumType::Entry> entries) {
  return make_enum_type(
      name, std::move(entries), [](const void* value) { return static_cast<std::int64_t>(as<E>(value)); },
      [](void* value, std::int64_t number) { as<E>(value) = static_cast<E>(number); });
}

// --- objects

/// Owns what an ObjectType shows: made once, never destroyed.
const ObjectType& make_object_type(std::string_view name, std::vector<Field> fields);

}  // namespace waybill::detail
