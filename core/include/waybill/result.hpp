// Result<T>: a T or an Error. What a network does to you is a value, and it cannot be ignored.
#pragma once

#include "waybill/error.hpp"

#include <optional>
#include <utility>

namespace waybill {

template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : error_(std::move(error)) {}  // NOLINT
  /// A value to be filled in.
  explicit Result(std::in_place_t) : value_(std::in_place) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }

  /// REQUIRES: has_value() for these three.
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  /// REQUIRES: !has_value().
  const Error& error() const noexcept { return *error_; }

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
  std::optional<T> value_;  // two optionals: cheaper to move and to destroy than a variant
  std::optional<Error> error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  explicit operator bool() const noexcept { return !error_; }
  bool has_value() const noexcept { return !error_; }
  const Error& error() const noexcept { return *error_; }
  void value() const {
    if (error_) throw *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace waybill
