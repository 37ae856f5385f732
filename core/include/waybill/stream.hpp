// Stream<T>: what a handler returns that answers with many values: a coroutine that co_yields them.
#pragma once

#include "waybill/format/model.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace waybill {

namespace detail {

/// What the core sees of a Stream<T>'s coroutine: why it stands still.
class StreamPromise {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  template <class U>
  auto await_transform(asio::awaitable<U> awaitable);
  auto await_transform(asio::this_coro::executor_t);
  template <class Other>
  std::suspend_never await_transform(Other&&) {
    static_assert(!sizeof(Other*),
                  "waybill: in a Stream co_await takes asio::awaitable and asio::this_coro::executor: give "
                  "asio::use_awaitable as the completion token, or put the rest into a coroutine of its own");
    return {};
  }

  ValueRef yielded;                              ///< Valid until the coroutine is resumed.
  std::optional<asio::awaitable<void>> awaited;  ///< Whoever drives the coroutine awaits it, then resumes.
  std::exception_ptr exception;                  ///< That left the coroutine.
};

/// The awaiter of `co_await awaitable` in a stream: leaves the awaiting to whoever drives the stream.
template <class U>
class StreamAwaiter {
 public:
  StreamAwaiter(StreamPromise& promise, asio::awaitable<U> awaitable)
      : promise_(promise), awaitable_(std::move(awaitable)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) { promise_.awaited.emplace(run(std::move(awaitable_), *this)); }
  U await_resume() {
    if (exception_) std::rethrow_exception(std::move(exception_));
    if constexpr (!std::is_void_v<U>) return std::move(*result_);
  }

 private:
  static asio::awaitable<void> run(asio::awaitable<U> awaitable, StreamAwaiter& self) {
    try {
      if constexpr (std::is_void_v<U>) {
        co_await std::move(awaitable);
      } else {
        self.result_.emplace(co_await std::move(awaitable));
      }
    } catch (...) {
      self.exception_ = std::current_exception();
    }
  }

  StreamPromise& promise_;
  asio::awaitable<U> awaitable_;
  std::exception_ptr exception_;
  std::optional<std::conditional_t<std::is_void_v<U>, std::monostate, U>> result_;
};

template <class U>
auto StreamPromise::await_transform(asio::awaitable<U> awaitable) {
  return StreamAwaiter<U>(*this, std::move(awaitable));
}

/// The coroutine of a Stream<T>, without its T. Owns it.
class StreamRoutine {
 public:
  enum class Step {
    value,     ///< promise().yielded has one.
    awaiting,  ///< promise().awaited is to be awaited before the next step.
    end,       ///< It has returned or thrown: promise().exception.
  };

  StreamRoutine(std::coroutine_handle<> handle, StreamPromise& promise) noexcept
      : handle_(handle), promise_(&promise) {}
  StreamRoutine(StreamRoutine&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), promise_(std::exchange(other.promise_, nullptr)) {}
  StreamRoutine& operator=(StreamRoutine&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(promise_, other.promise_);
    return *this;
  }
  ~StreamRoutine() { destroy(); }

  /// Runs it to where it stands still again. REQUIRES: it has not ended, and what it awaited has been awaited.
  Step resume() {
    promise_->awaited.reset();
    handle_.resume();
    if (handle_.done()) return Step::end;
    return promise_->awaited ? Step::awaiting : Step::value;
  }
  StreamPromise& promise() noexcept { return *promise_; }
  /// REQUIRES: nothing that it awaits is under way.
  void destroy() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

 private:
  std::coroutine_handle<> handle_;
  StreamPromise* promise_;
};

/// g++ up to 12 destroys a temporary aggregate that owns something twice when it stands in a co_yield statement.
template <class T>
inline constexpr bool is_miscompiled_in_co_yield =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
    std::is_aggregate_v<T> && !std::is_array_v<T> && !std::is_trivially_destructible_v<T>;
#else
    false;
#endif

inline asio::awaitable<asio::any_io_executor> own_executor() { co_return co_await asio::this_coro::executor; }

inline auto StreamPromise::await_transform(asio::this_coro::executor_t) {
  return StreamAwaiter<asio::any_io_executor>(*this, own_executor());
}

}  // namespace detail

/// A coroutine type: `Stream<int> countdown(int from) { while (from > 0) co_yield from--; }`. Starts when its first
/// value is asked for. Inside, co_await takes any asio::awaitable, and asio::this_coro::executor.
///
/// Lifetime: what the handler was given (argument, Context, captures) lives until the stream has ended. When its caller
///           has gone, what it awaits is cancelled; the coroutine is destroyed where it then stands.
/// Threads:  one at a time, on Context::executor(); what it awaits runs there as well.
template <class T>
class [[nodiscard]] Stream {
 public:
  class promise_type : public detail::StreamPromise {
   public:
    Stream get_return_object() noexcept { return Stream(*this); }
    std::suspend_always yield_value(const T& value) noexcept {
      yielded = ValueRef::of(value);
      return {};
    }
    std::suspend_always yield_value(T&& value) noexcept {
      static_assert(!detail::is_miscompiled_in_co_yield<T>,
                    "waybill: name this value first (`Order order{...}; co_yield order;`): g++ 12 destroys a temporary "
                    "like Order{...} in a co_yield statement twice");
      yielded = ValueRef::of(std::as_const(value));
      return {};
    }
  };
  using value_type = T;

  /// For the core: takes the coroutine over.
  detail::StreamRoutine release() && noexcept { return std::move(routine_); }

 private:
  explicit Stream(promise_type& promise) noexcept
      : routine_(std::coroutine_handle<promise_type>::from_promise(promise), promise) {}
  detail::StreamRoutine routine_;
};

}  // namespace waybill
