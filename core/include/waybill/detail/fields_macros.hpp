// WAYBILL_FIELDS, WAYBILL_FIELD and WAYBILL_ENUM: described in fields.hpp.
#pragma once

#include "waybill/detail/fields_reflect.hpp"
#include "waybill/detail/fields_types.hpp"
#include "waybill/format/model.hpp"

#include <type_traits>
#include <vector>

/// Inside a class (private members too) or behind it in its namespace. Each argument is the name of a member, or a
/// WAYBILL_FIELD when it has another name on the wire.
#define WAYBILL_FIELDS(Type, ...)                                                                               \
  [[maybe_unused]] static ::std::vector<::waybill::Field> waybill_fields_of(::waybill::detail::Exactly<Type>) { \
    using WaybillSelf = Type;                                                                                   \
    return {WAYBILL_DETAIL_EACH(WAYBILL_DETAIL_FIELD, __VA_ARGS__)};                                            \
  }                                                                                                             \
  [[maybe_unused]] static auto waybill_types_of(::waybill::detail::Exactly<Type>) {                             \
    using WaybillSelf = Type;                                                                                   \
    return ::waybill::detail::MemberTypes<void WAYBILL_DETAIL_EACH(WAYBILL_DETAIL_TYPE, __VA_ARGS__)>();        \
  }
#define WAYBILL_FIELD(member, name) (member, name)

/// Behind an enum, in its namespace: the enumerators that have a name on the wire.
#define WAYBILL_ENUM(Type, ...)                                                             \
  [[maybe_unused]] static ::std::vector<::waybill::EnumType::Entry> waybill_enum_of(Type) { \
    using WaybillSelf = Type;                                                               \
    return {WAYBILL_DETAIL_EACH(WAYBILL_DETAIL_ENUMERATOR, __VA_ARGS__)};                   \
  }

#define WAYBILL_DETAIL_ENUMERATOR(name) {static_cast<::std::int64_t>(WaybillSelf::name), #name},

// A field is `member`, or `(member, name)` as WAYBILL_FIELD leaves it.
#define WAYBILL_DETAIL_FIELD(x) WAYBILL_DETAIL_JOIN(WAYBILL_DETAIL_FIELD_, WAYBILL_DETAIL_IS_PAIR(x))(x)
#define WAYBILL_DETAIL_FIELD_0(x) ::waybill::detail::field_of<WaybillSelf, &WaybillSelf::x>(#x),
#define WAYBILL_DETAIL_FIELD_1(x) WAYBILL_DETAIL_NAMED x
#define WAYBILL_DETAIL_NAMED(member, name) ::waybill::detail::field_of<WaybillSelf, &WaybillSelf::member>(name),
#define WAYBILL_DETAIL_TYPE(x) WAYBILL_DETAIL_JOIN(WAYBILL_DETAIL_TYPE_, WAYBILL_DETAIL_IS_PAIR(x))(x)
#define WAYBILL_DETAIL_TYPE_0(x) , decltype(WaybillSelf::x)
#define WAYBILL_DETAIL_TYPE_1(x) WAYBILL_DETAIL_TYPE_OF x
#define WAYBILL_DETAIL_TYPE_OF(member, name) , decltype(WaybillSelf::member)
#define WAYBILL_DETAIL_IS_PAIR(x) WAYBILL_DETAIL_SECOND(WAYBILL_DETAIL_PROBE x, 0, ~)
#define WAYBILL_DETAIL_PROBE(...) ~, 1
#define WAYBILL_DETAIL_SECOND(...) WAYBILL_DETAIL_SECOND_(__VA_ARGS__)
#define WAYBILL_DETAIL_SECOND_(a, b, ...) b
#define WAYBILL_DETAIL_JOIN(a, b) WAYBILL_DETAIL_JOIN_(a, b)
#define WAYBILL_DETAIL_JOIN_(a, b) a##b

// f(x) for each argument, up to 256 of them: each EXPAND rescans what the one before left.
#define WAYBILL_DETAIL_EACH(f, ...) __VA_OPT__(WAYBILL_DETAIL_EXPAND(WAYBILL_DETAIL_STEP(f, __VA_ARGS__)))
#define WAYBILL_DETAIL_STEP(f, x, ...) f(x) __VA_OPT__(WAYBILL_DETAIL_AGAIN WAYBILL_DETAIL_PARENS(f, __VA_ARGS__))
#define WAYBILL_DETAIL_AGAIN() WAYBILL_DETAIL_STEP
#define WAYBILL_DETAIL_PARENS ()
#define WAYBILL_DETAIL_EXPAND(...) \
  WAYBILL_DETAIL_EXPAND3(WAYBILL_DETAIL_EXPAND3(WAYBILL_DETAIL_EXPAND3(WAYBILL_DETAIL_EXPAND3(__VA_ARGS__))))
#define WAYBILL_DETAIL_EXPAND3(...) \
  WAYBILL_DETAIL_EXPAND2(WAYBILL_DETAIL_EXPAND2(WAYBILL_DETAIL_EXPAND2(WAYBILL_DETAIL_EXPAND2(__VA_ARGS__))))
#define WAYBILL_DETAIL_EXPAND2(...) \
  WAYBILL_DETAIL_EXPAND1(WAYBILL_DETAIL_EXPAND1(WAYBILL_DETAIL_EXPAND1(WAYBILL_DETAIL_EXPAND1(__VA_ARGS__))))
#define WAYBILL_DETAIL_EXPAND1(...) \
  WAYBILL_DETAIL_EXPAND0(WAYBILL_DETAIL_EXPAND0(WAYBILL_DETAIL_EXPAND0(WAYBILL_DETAIL_EXPAND0(__VA_ARGS__))))
#define WAYBILL_DETAIL_EXPAND0(...) __VA_ARGS__

namespace waybill::detail {

/// Names T as an argument that converts to nothing else: what describes a base must not be taken for its derived types.
template <class T>
struct Exactly {};

/// The types of the members that WAYBILL_FIELDS names, behind a void.
template <class...>
struct MemberTypes {};

template <class T>
concept HasInnerFields = requires {
  T::waybill_fields_of(Exactly<T>{});
};
template <class T>
concept HasOuterFields = requires {
  waybill_fields_of(Exactly<T>{});
};
template <class T>
concept HasFields = std::is_class_v<T> &&(HasInnerFields<T> || HasOuterFields<T>);

template <class T>
std::vector<Field> fields_of() {
  if constexpr (HasInnerFields<T>) {
    return T::waybill_fields_of(Exactly<T>{});
  } else {
    return waybill_fields_of(Exactly<T>{});
  }
}

template <class T>
auto member_types_of() {
  if constexpr (HasInnerFields<T>) {
    return T::waybill_types_of(Exactly<T>{});
  } else {
    return waybill_types_of(Exactly<T>{});
  }
}

/// A member of Self, which may be that of a base: then the pointer is one into the base.
template <class Self, auto Pointer>
struct MemberPointer;
template <class Self, class Class, class Member, Member Class::*Pointer>
struct MemberPointer<Self, Pointer> {
  using Type = std::remove_cv_t<Member>;
  static Type& from(Self& object) { return const_cast<Type&>(object.*Pointer); }
  static std::size_t offset() {
    if constexpr (requires { static_cast<Member Self::*>(Pointer); }) {
      constexpr Member Self::*own = Pointer;
      return Room<Self>::offset(&(Room<Self>::object().*own));
    } else {
      static_assert(!sizeof(Self),
                    "waybill: WAYBILL_FIELDS reaches members of the type itself and of its public bases, as long as "
                    "these are neither virtual nor there twice.");
      return 0;
    }
  }
};

template <class Self, auto Pointer>
Field field_of(std::string_view name) {
  using Get = MemberPointer<Self, Pointer>;
  using Member = typename Get::Type;
  return field_at<Member>(name, Get::offset(), restore_of<Self, Member, Get>());
}

}  // namespace waybill::detail
