// Result<T>: a T or an Error. What a network does to you is a value, and it cannot be ignored.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "waybill/error.hpp"

namespace waybill {

template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 0; }

  /// REQUIRES: has_value() for these three.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  /// REQUIRES: !has_value().
  const Error& error() const noexcept { return *std::get_if<1>(&state_); }

  /// The value; throws the Error if there is none.
  T value() && {
    if (!*this) throw error();
    return std::move(**this);
  }
  const T& value() const& {
    if (!*this) throw error();
    return **this;
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT

  explicit operator bool() const noexcept { return !failed_; }
  bool has_value() const noexcept { return !failed_; }
  const Error& error() const noexcept { return *std::get_if<1>(&error_); }
  void value() const {
    if (failed_) throw error();
  }

 private:
  std::variant<std::monostate, Error> error_;
  bool failed_ = false;
};

}  // namespace waybill
