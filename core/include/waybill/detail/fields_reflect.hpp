// What the compiler can tell of a plain aggregate: how many members it has, their addresses and their names.
// Private to fields.hpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace waybill::detail {

/// Converts to anything that a member may be; never run.
struct AnyInitializer {
  template <class U>
  operator U() const noexcept;
};

/// Converts to the bases of T only.
template <class T>
struct BaseInitializer {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U() const noexcept;
};

inline constexpr std::size_t k_max_reflected = 40;

/// How many members aggregate T has: with as many initializers it can be made, with one more it cannot.
template <class T, class... Initializers>
consteval std::size_t member_count() {
  if constexpr (sizeof...(Initializers) > k_max_reflected) {
    return sizeof...(Initializers);
  } else if constexpr (requires { T{Initializers{}..., AnyInitializer{}}; }) {
    return member_count<T, Initializers..., AnyInitializer>();
  } else {
    return sizeof...(Initializers);
  }
}

template <class T>
concept HasBase = requires {
  T{BaseInitializer<T>{}};
};

template <std::size_t N>
struct Members;

// Addresses of the members of `value`, one definition for each count: a structured binding cannot be a pack.
#define WAYBILL_DETAIL_MEMBERS(count, addresses, ...) \
  template <>                                         \
  struct Members<count> {                             \
    template <class T>                                \
    static constexpr auto addresses_of(T& value) {    \
      auto& [__VA_ARGS__] = value;                    \
      return std::tuple addresses;                    \
    }                                                 \
  };
template <>
struct Members<0> {
  template <class T>
  static constexpr auto addresses_of(T&) {
    return std::tuple<>();
  }
};

// clang-format off
WAYBILL_DETAIL_MEMBERS(1, (&m0), m0)
WAYBILL_DETAIL_MEMBERS(2, (&m0, &m1), m0, m1)
WAYBILL_DETAIL_MEMBERS(3, (&m0, &m1, &m2), m0, m1, m2)
WAYBILL_DETAIL_MEMBERS(4, (&m0, &m1, &m2, &m3), m0, m1, m2, m3)
WAYBILL_DETAIL_MEMBERS(5, (&m0, &m1, &m2, &m3, &m4), m0, m1, m2, m3, m4)
WAYBILL_DETAIL_MEMBERS(6, (&m0, &m1, &m2, &m3, &m4, &m5), m0, m1, m2, m3, m4, m5)
WAYBILL_DETAIL_MEMBERS(7, (&m0, &m1, &m2, &m3, &m4, &m5, &m6), m0, m1, m2, m3, m4, m5, m6)
WAYBILL_DETAIL_MEMBERS(8, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7), m0, m1, m2, m3, m4, m5, m6, m7)
WAYBILL_DETAIL_MEMBERS(9, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8), m0, m1, m2, m3, m4, m5, m6, m7, m8)
WAYBILL_DETAIL_MEMBERS(10, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9)
WAYBILL_DETAIL_MEMBERS(11, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10)
WAYBILL_DETAIL_MEMBERS(12, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11)
WAYBILL_DETAIL_MEMBERS(13, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12)
WAYBILL_DETAIL_MEMBERS(14, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13)
WAYBILL_DETAIL_MEMBERS(15, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14)
WAYBILL_DETAIL_MEMBERS(16, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15)
WAYBILL_DETAIL_MEMBERS(17, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16)
WAYBILL_DETAIL_MEMBERS(18, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17)
WAYBILL_DETAIL_MEMBERS(19, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18)
WAYBILL_DETAIL_MEMBERS(20, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19)
WAYBILL_DETAIL_MEMBERS(21, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20)
WAYBILL_DETAIL_MEMBERS(22, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21)
WAYBILL_DETAIL_MEMBERS(23, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22)
WAYBILL_DETAIL_MEMBERS(24, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23)
WAYBILL_DETAIL_MEMBERS(25, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24)
WAYBILL_DETAIL_MEMBERS(26, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25)
WAYBILL_DETAIL_MEMBERS(27, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26)
WAYBILL_DETAIL_MEMBERS(28, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27)
WAYBILL_DETAIL_MEMBERS(29, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28)
WAYBILL_DETAIL_MEMBERS(30, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29)
WAYBILL_DETAIL_MEMBERS(31, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30)
WAYBILL_DETAIL_MEMBERS(32, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31)
WAYBILL_DETAIL_MEMBERS(33, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32)
WAYBILL_DETAIL_MEMBERS(34, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33)
WAYBILL_DETAIL_MEMBERS(35, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34)
WAYBILL_DETAIL_MEMBERS(36, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34, &m35), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35)
WAYBILL_DETAIL_MEMBERS(37, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34, &m35, &m36), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36)
WAYBILL_DETAIL_MEMBERS(38, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34, &m35, &m36, &m37), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37)
WAYBILL_DETAIL_MEMBERS(39, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34, &m35, &m36, &m37, &m38), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38)
WAYBILL_DETAIL_MEMBERS(40, (&m0, &m1, &m2, &m3, &m4, &m5, &m6, &m7, &m8, &m9, &m10, &m11, &m12, &m13, &m14, &m15, &m16, &m17, &m18, &m19, &m20, &m21, &m22, &m23, &m24, &m25, &m26, &m27, &m28, &m29, &m30, &m31, &m32, &m33, &m34, &m35, &m36, &m37, &m38, &m39), m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32, m33, m34, m35, m36, m37, m38, m39)
// clang-format on
#undef WAYBILL_DETAIL_MEMBERS

/// An object that is never defined: only the addresses of its members are used, and only while compiling.
template <class T>
struct Undefined {
  T value;
};
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T>
extern const Undefined<T> k_undefined;

/// Clang before 18 takes no pointer to a member of an object as a template argument, but a class that holds one.
template <class Pointer>
struct PointerBox {
  Pointer pointer;
};
template <class Pointer>
PointerBox(Pointer) -> PointerBox<Pointer>;

template <auto Pointer>
consteval const char* pretty_member_name() {
  return __PRETTY_FUNCTION__;
}

consteval bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The last name in what `pretty` says of Pointer, which is the member's.
consteval std::string_view last_name(std::string_view pretty) {
  std::size_t end = pretty.rfind("Pointer = ") + 10;
  for (int depth = 0; end < pretty.size(); ++end) {
    const char c = pretty[end];
    if (depth == 0 && (c == ';' || c == ']')) break;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
  }
  while (end > 0 && !is_name_character(pretty[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && is_name_character(pretty[begin - 1])) --begin;
  return pretty.substr(begin, end - begin);
}

/// Name of member I of aggregate T with N members.
template <class T, std::size_t N, std::size_t I>
consteval std::string_view member_name() {
  constexpr auto addresses = Members<N>::addresses_of(k_undefined<T>.value);
#if defined(__clang__)
  return last_name(pretty_member_name<PointerBox{std::get<I>(addresses)}>());
#else
  return last_name(pretty_member_name<std::get<I>(addresses)>());
#endif
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/// Room of a T that is never made: only addresses in it are compared.
template <class T>
struct Room {
  alignas(T) static inline unsigned char bytes[sizeof(T)]{};
  static T& object() noexcept { return *reinterpret_cast<T*>(bytes); }
  static std::size_t offset(const volatile void* member) noexcept {
    return static_cast<std::size_t>(reinterpret_cast<const volatile unsigned char*>(member) - bytes);
  }
};

template <class T>
consteval std::string_view pretty_type_name() {
  return __PRETTY_FUNCTION__;
}

/// T without namespaces and template arguments, for people: "Order".
template <class T>
consteval std::string_view short_name() {
  std::string_view pretty = pretty_type_name<T>();
  std::size_t begin = pretty.find("T = ");
  if (begin == std::string_view::npos) return "value";
  begin += 4;
  std::size_t end = begin;
  std::size_t name = begin;
  while (end < pretty.size() && pretty[end] != ';' && pretty[end] != ']' && pretty[end] != '<' && pretty[end] != ',') {
    if (pretty[end] == ':' || pretty[end] == ' ') name = end + 1;
    ++end;
  }
  return pretty.substr(name, end - name);
}

}  // namespace waybill::detail
