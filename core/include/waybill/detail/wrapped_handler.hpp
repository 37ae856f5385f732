// Completion handlers that wrap another one, and stay associated with what that is: executor, cancellation slot, allocator.
#pragma once

#include <asio/associator.hpp>

#include <concepts>

namespace waybill::detail {

/// Base of all that wraps a handler.
template <class Handler>
struct WrappedHandler {
  Handler handler;
};

template <class T>
concept WrapsHandler = std::derived_from<T, WrappedHandler<decltype(T::handler)>>;

}  // namespace waybill::detail

/// Whether the wrapped handler says so itself or by a specialization; what it does not say is left to the caller's default.
template <template <class, class> class Associator, waybill::detail::WrapsHandler Wrapping, class Default>
struct asio::associator<Associator, Wrapping, Default> : Associator<decltype(Wrapping::handler), Default> {
  using Base = Associator<decltype(Wrapping::handler), Default>;
  static typename Base::type get(const Wrapping& wrapping, const Default& fallback = Default()) noexcept {
    return Base::get(wrapping.handler, fallback);
  }
};
