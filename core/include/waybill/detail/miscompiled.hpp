// What g++ up to 12 miscompiles in co_await statements is refused where it would be written, with the way round it.
#pragma once

#include "waybill/pattern.hpp"

#include <asio/use_awaitable.hpp>

#include <type_traits>

namespace waybill::detail {

template <class Token>
inline constexpr bool is_awaitable_token = false;
template <class Executor>
inline constexpr bool is_awaitable_token<asio::use_awaitable_t<Executor>> = true;

/// A temporary aggregate that owns something is destroyed twice.
template <class Body, class Token>
constexpr void refuse_miscompiled() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
  using T = std::remove_cvref_t<Body>;
  static_assert(std::is_lvalue_reference_v<Body> || !std::is_aggregate_v<T> || std::is_array_v<T> ||
                    std::is_trivially_destructible_v<T> || !is_awaitable_token<std::remove_cvref_t<Token>>,
                "waybill: name this payload first (`Order order{...}; co_await client.request<R>(pattern, order);`): "
                "g++ 12 destroys a temporary like Order{...} in a co_await statement twice");
#endif
}

/// The same happens to a Pattern out of `flag ? Pattern("a") : Pattern("b")`, which cannot be told from others.
template <class Token>
constexpr void refuse_pattern_temporary() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
  static_assert(!is_awaitable_token<std::remove_cvref_t<Token>>,
                "waybill: name this pattern first (`const Pattern pattern = ...; co_await client.request<R>(pattern, "
                "body);`): g++ 12 destroys a conditional temporary in a co_await statement twice");
#endif
}

/// A Pattern that has no name; texts, numbers and brace lists that become one are none of these.
template <class P>
concept PatternTemporary = std::is_same_v<P, Pattern>;

}  // namespace waybill::detail
