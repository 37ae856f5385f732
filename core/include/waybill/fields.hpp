// Describes types to serializers. Plain structs need nothing; the macros below are for the rest.
//
//   struct Order { std::string id; int quantity = 1; std::optional<std::string> note; };     // works as it is
//
//   class Account {                                     // private members, or names that differ on the wire
//     std::string owner_; double balance_ = 0;
//     WAYBILL_FIELDS(Account, WAYBILL_FIELD(owner_, "owner"), WAYBILL_FIELD(balance_, "balance"))
//   };
//   WAYBILL_FIELDS(other::Point, x, y)                  // or behind the type, in the type's namespace
//   WAYBILL_ENUM(Flag, read, write)                     // enumerators outside -16..127
//
// What becomes what:
//   bool, integers, float, double     themselves; integers exactly, to 64 bits; NaN is null in JSON
//   std::string                       a text; must be UTF-8
//   std::string_view, const char*     a text; to be encoded only (a compile error in what is decoded)
//   enum                              the text of its name
//   optional, unique_ptr, shared_ptr  the content or null; an empty member is left out, a missing one is empty
//   vector, list, deque, set, array   a list
//   map, unordered_map                an object; keys are std::string or integers
//   pair, tuple                       a list of as many items
//   variant                           its content; decoding takes the first alternative that fits
//   monostate, nullptr_t              null
//   system_clock::time_point          ISO 8601 text in UTC with milliseconds, as JavaScript's Date; MessagePack's
//                                     timestamps are read as well
//   duration                          the count in its own unit
//   std::vector<std::byte>            bytes; in JSON {"type":"Buffer","data":[...]}
//   Payload                           bytes of the same serializer, passed on
//   nlohmann::json and types with its to_json/from_json: include waybill/adapt/nlohmann.hpp
//   types with MSGPACK_DEFINE:                           include waybill/adapt/msgpack.hpp
#pragma once

#include "waybill/detail/fields_macros.hpp"
#include "waybill/detail/fields_reflect.hpp"
#include "waybill/detail/fields_types.hpp"
#include "waybill/format/model.hpp"
#include "waybill/payload.hpp"

#include <cstddef>
#include <type_traits>

namespace waybill {

/// Describes types from outside: specialize it with `static constexpr Kind k_kind` and
/// `static const TypeInfo& info()`. Adapters do so for all types that have what they adapt (detail::Unclaimed).
template <class T>
struct Describe {};

namespace detail {

/// How a type is described; none: it is not one of the standard library's, nor arithmetic.
enum class Shape {
  none,
  scalar,
  text,
  optional,
  bytes,
  list,
  map,
  tuple,
  variant,
  time,
  duration,
  enumeration,
  raw,
};

template <class T>
consteval Kind scalar_kind() {
  if constexpr (std::is_same_v<T, bool>) {
    return Kind::boolean;
  } else if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, std::nullptr_t>) {
    return Kind::null;
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? Kind::float32 : Kind::float64;
  } else {
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? Kind::int8 : Kind::uint8;
    if constexpr (sizeof(T) == 2) return is_signed ? Kind::int16 : Kind::uint16;
    if constexpr (sizeof(T) == 4) return is_signed ? Kind::int32 : Kind::uint32;
    return is_signed ? Kind::int64 : Kind::uint64;
  }
}

template <class T>
inline constexpr bool is_character =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
    std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
consteval Kind text_kind() {
  if constexpr (std::is_same_v<T, std::string>) return Kind::text;
  if constexpr (std::is_same_v<T, std::string_view>) return Kind::text_view;
  if constexpr (std::is_same_v<T, const char*> || std::is_same_v<T, char*>) return Kind::text_pointer;
  if constexpr (std::is_array_v<T> && std::is_same_v<std::remove_cv_t<std::remove_extent_t<T>>, char>) {
    return Kind::text_array;
  }
  return Kind::null;
}

template <class T>
consteval Shape shape_of() {
  if constexpr (text_kind<T>() != Kind::null) {
    return Shape::text;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return is_character<T> || std::is_same_v<T, long double> ? Shape::none : Shape::scalar;
  } else if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, std::nullptr_t>) {
    return Shape::scalar;
  } else if constexpr (std::is_enum_v<T>) {
    return Shape::enumeration;
  } else if constexpr (!std::is_class_v<T>) {
    return Shape::none;
  } else if constexpr (std::is_same_v<T, Payload>) {
    return Shape::raw;
  } else if constexpr (is_a<T, std::optional> || is_a<T, std::shared_ptr> || is_a<T, std::unique_ptr>) {
    return Shape::optional;
  } else if constexpr (is_a<T, std::variant>) {
    return Shape::variant;
  } else if constexpr (is_time<T>) {
    return Shape::time;
  } else if constexpr (is_a<T, std::tuple> || is_a<T, std::pair>) {
    return Shape::tuple;
  } else if constexpr (std::is_same_v<T, std::vector<std::byte>>) {
    return Shape::bytes;
  } else if constexpr (is_std_array<T>) {
    return Shape::list;
  } else if constexpr (requires {
                         typename T::rep;
                         typename T::period;
                         T::zero();
                       }) {
    return Shape::duration;
  } else {
    return Shape::none;
  }
}

/// Classes that do what containers do. Looked at last, because adapted types may look like containers too.
template <class T>
consteval Shape container_shape() {
  if constexpr (MapLike<T>) {
    return Shape::map;
  } else if constexpr (SequenceLike<T> || SetLike<T>) {
    return Shape::list;
  } else {
    return Shape::none;
  }
}

/// Classes that waybill does not know by themselves: adapters may claim them.
template <class T>
concept Unclaimed = std::is_class_v<T> && shape_of<T>()
== Shape::none&& container_shape<T>() == Shape::none && !HasFields<T>;

template <class T>
concept Described = requires {
  Describe<T>::k_kind;
};

/// Member I of aggregate T with N members.
template <class T, std::size_t N, std::size_t I>
struct ReflectedMember {
  static auto& from(T& object) { return *std::get<I>(Members<N>::addresses_of(object)); }
};

template <class T, std::size_t... I>
const ObjectType& reflect(std::index_sequence<I...>) {
  static const ObjectType& type = []() -> const ObjectType& {
    const auto addresses = Members<sizeof...(I)>::addresses_of(Room<T>::object());
    std::vector<Field> fields;
    fields.reserve(sizeof...(I));
    (fields.push_back([&addresses] {
      using Member = std::remove_cvref_t<decltype(*std::get<I>(addresses))>;
      return field_at<Member>(member_name<T, sizeof...(I), I>(), Room<T>::offset(std::get<I>(addresses)),
                              restore_of<T, Member, ReflectedMember<T, sizeof...(I), I>>());
    }()),
     ...);
    return make_object_type(short_name<T>(), std::move(fields));
  }();
  return type;
}

/// What a type is when it is a class that none of the above knows. Emits one sentence when that cannot be.
template <class T>
const TypeInfo& aggregate_type() {
  static constexpr TypeInfo nothing{Kind::null, "unsupported"};
  if constexpr (std::is_reference_v<T> || std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    static_assert(!sizeof(T*),
                  "waybill cannot send a raw pointer or reference: nobody says who owns what it points "
                  "to. Use a value, std::optional or std::unique_ptr.");
  } else if constexpr (is_character<T>) {
    static_assert(!sizeof(T),
                  "waybill cannot tell whether a char is a number or a text: use std::int8_t or "
                  "std::string.");
  } else if constexpr (std::is_same_v<T, long double>) {
    static_assert(!sizeof(T), "waybill cannot send long double: no format has it. Use double.");
  } else if constexpr (std::is_array_v<T>) {
    static_assert(!sizeof(T*), "waybill cannot describe C arrays: use std::array or std::vector.");
  } else if constexpr (std::is_function_v<T>) {
    static_assert(!sizeof(T*), "waybill cannot send a function.");
  } else if constexpr (std::is_union_v<T>) {
    static_assert(!sizeof(T), "waybill cannot describe a union: nobody knows which member is alive. Use std::variant.");
  } else if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T>) {
    static_assert(!sizeof(T*),
                  "waybill cannot see into this class: it has constructors or private members. Describe "
                  "it with WAYBILL_FIELDS(Type, member, ...) inside the class, or include the "
                  "waybill/adapt/ header of the library that knows it.");
  } else if constexpr (HasBase<T>) {
    static_assert(!sizeof(T),
                  "waybill cannot see into a struct that has a base: describe it with "
                  "WAYBILL_FIELDS(Type, member, ...).");
  } else if constexpr (member_count<T>() > k_max_reflected) {
    static_assert(!sizeof(T),
                  "waybill sees at most 40 members by itself: describe this struct with "
                  "WAYBILL_FIELDS(Type, member, ...).");
  } else {
    return reflect<T>(std::make_index_sequence<member_count<T>()>());
  }
  return nothing;
}

template <class T>
const TypeInfo& fields_type() {
  // A pointer: g++ 13 and 14 take a reference for one to the name, and warn.
  static const ObjectType* const type = &make_object_type(short_name<T>(), fields_of<T>());
  return *type;
}

template <class T>
const TypeInfo& named_enum_type() {
  static const EnumType& type = []() -> const EnumType& {
    if constexpr (requires { waybill_enum_of(T{}); }) {
      return enum_type<T>(short_name<T>(), waybill_enum_of(T{}));
    } else {
      return enum_type<T>(short_name<T>(), find_enum_names<T>(std::make_integer_sequence<int, 144>()));
    }
  }();
  return type;
}

template <class T>
struct Description {
  static constexpr Shape k_shape = [] {
    if constexpr (HasFields<T> || Described<T> || shape_of<T>() != Shape::none) return shape_of<T>();
    return container_shape<T>();
  }();

  static constexpr Kind kind() {
    if constexpr (HasFields<T>) {
      return Kind::object;
    } else if constexpr (Described<T>) {
      return Describe<T>::k_kind;
    } else if constexpr (k_shape == Shape::duration) {
      return Description<typename T::rep>::kind();
    } else {
      switch (k_shape) {
        case Shape::none: return Kind::object;
        case Shape::scalar: return scalar_kind<T>();
        case Shape::text: return text_kind<T>();
        case Shape::optional: return Kind::optional;
        case Shape::bytes: return Kind::bytes;
        case Shape::list: return Kind::list;
        case Shape::map: return Kind::map;
        case Shape::tuple: return Kind::tuple;
        case Shape::variant: return Kind::variant;
        case Shape::time: return Kind::time;
        case Shape::enumeration: return std::is_same_v<T, std::byte> ? Kind::uint8 : Kind::enumeration;
        case Shape::raw: return Kind::raw;
        case Shape::duration: break;
      }
      return Kind::null;
    }
  }
  static constexpr bool is_required() {
    return kind() != Kind::optional && kind() != Kind::null && kind() != Kind::raw;
  }
  static const TypeInfo& info() {
    static constexpr TypeInfo plain{kind(), short_name<T>()};
    if constexpr (HasFields<T>) {
      return fields_type<T>();
    } else if constexpr (Described<T>) {
      return Describe<T>::info();
    } else if constexpr (k_shape == Shape::duration) {
      return Description<typename T::rep>::info();  // a duration is its count, and nothing else
    } else if constexpr (k_shape == Shape::none) {
      return aggregate_type<T>();
    } else if constexpr (kind() == Kind::enumeration) {
      return named_enum_type<T>();
    } else if constexpr (k_shape == Shape::optional) {
      return optional_type<T>();
    } else if constexpr (k_shape == Shape::bytes) {
      return bytes_type<T>();
    } else if constexpr (k_shape == Shape::list) {
      return list_type<T>();
    } else if constexpr (k_shape == Shape::map) {
      return map_type<T>();
    } else if constexpr (k_shape == Shape::tuple) {
      return tuple_type<T>();
    } else if constexpr (k_shape == Shape::variant) {
      return variant_type<T>();
    } else if constexpr (k_shape == Shape::time) {
      return time_type<T>();
    } else {
      return plain;
    }
  }
};

/// has_borrowed_text() of any of the types that a tuple or a variant names.
template <class T, class... Outer>
inline constexpr bool any_borrowed_text = false;
template <template <class...> class Template, class... T, class... Outer>
inline constexpr bool any_borrowed_text<Template<T...>, Outer...> =
    (has_borrowed_text<std::remove_cv_t<T>, Outer...>() || ...);

template <class Addresses>
struct Pointed;
template <class... T>
struct Pointed<std::tuple<T*...>> {
  using Types = std::tuple<T...>;
};

template <class T, class... Outer>
consteval bool has_borrowed_text() {
  constexpr Shape shape = Description<T>::k_shape;
  if constexpr ((std::is_same_v<T, Outer> || ...) || std::is_void_v<T>) {
    return false;
  } else if constexpr (HasFields<T>) {
    return any_borrowed_text<decltype(member_types_of<T>()), T, Outer...>;
  } else if constexpr (Described<T>) {
    return false;
  } else if constexpr (shape == Shape::text) {
    return Description<T>::kind() != Kind::text;
  } else if constexpr (shape == Shape::optional) {
    return has_borrowed_text<std::remove_cvref_t<decltype(*std::declval<T&>())>, T, Outer...>();
  } else if constexpr (shape == Shape::list) {
    return has_borrowed_text<typename T::value_type, T, Outer...>();
  } else if constexpr (shape == Shape::map) {
    return has_borrowed_text<typename T::mapped_type, T, Outer...>();
  } else if constexpr (shape == Shape::tuple || shape == Shape::variant) {
    return any_borrowed_text<T, T, Outer...>;
  } else if constexpr (shape == Shape::none && std::is_class_v<T> && std::is_aggregate_v<T> && !HasBase<T>) {
    if constexpr (member_count<T>() <= k_max_reflected) {
      using Addresses = decltype(Members<member_count<T>()>::addresses_of(std::declval<T&>()));
      return any_borrowed_text<typename Pointed<Addresses>::Types, T, Outer...>;
    } else {
      return false;
    }
  } else {
    return false;
  }
}

}  // namespace detail

template <class T>
const TypeInfo& type_of() {
  return detail::Description<std::remove_cv_t<T>>::info();
}

}  // namespace waybill
