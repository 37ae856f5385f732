// Descriptions of points in time, which are milliseconds to formats whatever they count themselves. Private to fields.hpp.
#pragma once

#include "waybill/format/model.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>
#include <utility>

namespace waybill::detail {

template <class T>
const T& as(const void* address) noexcept {
  return *static_cast<const T*>(address);
}
template <class T>
T& as(void* address) noexcept {
  return *static_cast<T*>(address);
}

template <class T>
inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool is_time<std::chrono::time_point<std::chrono::system_clock, Duration>> = true;

/// The milliseconds of `number` units of T's duration, rounded down; what std::int64_t does not hold becomes its limit.
template <class Duration>
constexpr std::int64_t milliseconds_of(typename Duration::rep number) noexcept {
  using Scale = std::ratio_divide<typename Duration::period, std::milli>;
  constexpr std::int64_t k_least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t k_most = std::numeric_limits<std::int64_t>::max();
  if constexpr (std::is_floating_point_v<typename Duration::rep>) {
    const auto count = number * Scale::num / Scale::den;
    if (!(count < 9e18)) return k_most;  // also when it is no number
    if (count < -9e18) return k_least;
    const auto whole = static_cast<std::int64_t>(count);
    return static_cast<typename Duration::rep>(whole) > count ? whole - 1 : whole;
  } else {
    if (std::cmp_greater(number, k_most / Scale::num)) return k_most;
    if (std::cmp_less(number, k_least / Scale::num)) return k_least;
    const std::int64_t scaled = static_cast<std::int64_t>(number) * Scale::num;
    return scaled / Scale::den - (scaled % Scale::den < 0);
  }
}

/// The same backwards. REQUIRES: milliseconds_of() of the smallest unit <= milliseconds <= that of the largest.
template <class Duration>
constexpr Duration duration_of(std::int64_t milliseconds) noexcept {
  using Rep = typename Duration::rep;
  using Scale = std::ratio_divide<std::milli, typename Duration::period>;
  if constexpr (std::is_floating_point_v<Rep>) {
    return Duration(static_cast<Rep>(milliseconds) * Scale::num / Scale::den);
  } else {
    const std::int64_t scaled = milliseconds * Scale::num;
    return Duration(static_cast<Rep>(scaled / Scale::den - (scaled % Scale::den < 0)));
  }
}

/// What a JavaScript Date holds, and so the texts, on both sides of 1970.
inline constexpr std::int64_t k_most_milliseconds = 8'640'000'000'000'000;

/// What a Duration holds of that. A limit's first millisecond may be cut in the middle: the next fits for sure.
template <class Duration>
consteval std::int64_t least_of() {
  using Limits = std::numeric_limits<typename Duration::rep>;
  if constexpr (!Limits::is_integer)
    return -k_most_milliseconds;
  else if constexpr (!Limits::is_signed)
    return 0;
  else
    return std::max(milliseconds_of<Duration>(Limits::lowest()), -k_most_milliseconds - 1) + 1;
}
template <class Duration>
consteval std::int64_t most_of() {
  using Limits = std::numeric_limits<typename Duration::rep>;
  if constexpr (!Limits::is_integer)
    return k_most_milliseconds;
  else
    return std::min(milliseconds_of<Duration>(Limits::max()), k_most_milliseconds);
}

template <class T>
const TimeType& time_type() {
  using Duration = typename T::duration;
  static constexpr TimeType type{
      {Kind::time, "time"},
      [](const void* value) { return milliseconds_of<Duration>(as<T>(value).time_since_epoch().count()); },
      [](void* value, std::int64_t count) { as<T>(value) = T(duration_of<Duration>(count)); },
      least_of<Duration>(),
      most_of<Duration>()};
  return type;
}

}  // namespace waybill::detail
