// How a Result<T> reaches the caller's completion token: use_awaitable and use_future throw its error, callbacks get it.
#pragma once

#include "waybill/detail/unique_function.hpp"
#include "waybill/detail/wrapped_handler.hpp"
#include "waybill/result.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/prefer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace waybill::detail {

/// Turns a handler of (exception_ptr, T), which is what throwing tokens make, into one of Result<T>.
template <class T, class Handler>
struct ThrowingHandler : WrappedHandler<Handler> {
  void operator()(Result<T> result) {
    std::exception_ptr error;
    if (!result) error = std::make_exception_ptr(result.error());
    if constexpr (std::is_void_v<T>) {
      std::move(this->handler)(error);
    } else if (error) {
      std::move(this->handler)(error, T{});
    } else {
      std::move(this->handler)(nullptr, *std::move(result));
    }
  }
};

template <class T>
struct ThrowingSignature {
  using type = void(std::exception_ptr, T);
};
template <>
struct ThrowingSignature<void> {
  using type = void(std::exception_ptr);
};

/// async_result of a token that throws, for signatures of Result<T>.
template <class Token, class T>
struct ThrowingResult {
  using Signature = typename ThrowingSignature<T>::type;
  using Base = asio::async_result<Token, Signature>;

  template <class Initiation, class... Args>
  static auto initiate(Initiation initiation, Token token, Args... args) {
    // Not Base::initiate: use_future has none in older Asio.
    return asio::async_initiate<Token, Signature>(
        [initiation = std::move(initiation)](auto handler, auto... inner) mutable {
          using Adapted = ThrowingHandler<T, std::decay_t<decltype(handler)>>;
          std::move(initiation)(Adapted{{std::move(handler)}}, std::move(inner)...);
        },
        token, std::move(args)...);
  }
};

/// Turns a handler of T, behind asio::redirect_error, into one of Result<T>: the error's code goes where the caller said.
template <class T, class Handler>
struct RedirectingHandler : WrappedHandler<Handler> {
  asio::error_code* code;

  void operator()(Result<T> result) {
    *code = result ? asio::error_code() : result.error().code();
    if constexpr (std::is_void_v<T>) {
      std::move(this->handler)();
    } else {
      std::move(this->handler)(result ? *std::move(result) : T{});
    }
  }
};

template <class T>
struct RedirectedSignature {
  using type = void(T);
};
template <>
struct RedirectedSignature<void> {
  using type = void();
};

/// A handler whose cancellation slot was taken: gives the slot back before it is called.
template <class Handler>
struct SlotClearing : WrappedHandler<Handler> {
  template <class Result>
  void operator()(Result result) {
    auto slot = asio::get_associated_cancellation_slot(this->handler);
    if (slot.is_connected()) slot.clear();
    std::move(this->handler)(std::move(result));
  }
};

/// A handler that has an executor of its own, other than ours: runs there, which stays busy until then.
template <class T, class Handler, class Executor>
struct ForwardedHandler {
  Handler handler;
  Executor executor;  // tracks outstanding work

  void operator()(Result<T> result) {
    asio::dispatch(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
      std::move(handler)(std::move(result));
    });
  }
};

/// A handler of Result<T> as something that can be kept, called on `home` once.
template <class T, class Handler>
UniqueFunction<void(Result<T>)> make_completion(Handler handler, const asio::any_io_executor& home) {
  auto executor = asio::get_associated_executor(handler, home);
  if constexpr (std::is_same_v<decltype(executor), asio::any_io_executor>) {
    if (executor == home) return UniqueFunction<void(Result<T>)>(std::move(handler));
  }
  auto tracked = asio::prefer(std::move(executor), asio::execution::outstanding_work.tracked);
  return ForwardedHandler<T, Handler, decltype(tracked)>{std::move(handler), std::move(tracked)};
}

}  // namespace waybill::detail

template <class Executor, class T>
class asio::async_result<asio::use_awaitable_t<Executor>, void(waybill::Result<T>)>
    : public waybill::detail::ThrowingResult<asio::use_awaitable_t<Executor>, T> {
 public:
  using return_type = typename waybill::detail::ThrowingResult<asio::use_awaitable_t<Executor>, T>::Base::return_type;
};

template <class Allocator, class T>
class asio::async_result<asio::use_future_t<Allocator>, void(waybill::Result<T>)>
    : public waybill::detail::ThrowingResult<asio::use_future_t<Allocator>, T> {};

template <class Token, class T>
class asio::async_result<asio::redirect_error_t<Token>, void(waybill::Result<T>)> {
 public:
  template <class Initiation, class Redirect, class... Args>
  static auto initiate(Initiation initiation, Redirect token, Args... args) {
    using Signature = typename waybill::detail::RedirectedSignature<T>::type;
    return asio::async_initiate<Token, Signature>(
        [initiation = std::move(initiation), code = &token.ec_](auto handler, auto... inner) mutable {
          using Adapted = waybill::detail::RedirectingHandler<T, std::decay_t<decltype(handler)>>;
          std::move(initiation)(Adapted{{std::move(handler)}, code}, std::move(inner)...);
        },
        token.token_, std::move(args)...);
  }
};
