// Stream<T>: what a handler returns that answers with many values: a coroutine that co_yields them.
#pragma once

#include "waybill/model.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace waybill {

namespace detail {

/// What the core sees of a running Stream<T>: asks for a value at a time.
class StreamSource {
 public:
  enum class Step {
    value,    ///< value() has one.
    end,      ///< It has returned or thrown; take_exception() tells which.
    waiting,  ///< It awaits something; on_progress is called when it goes on.
  };
  virtual ~StreamSource() = default;
  /// REQUIRES: the last step was `value`, or none was made yet.
  virtual Step advance(const asio::any_io_executor& executor, void (*on_progress)(void*, Step), void* who) = 0;
  virtual ValueRef value() const noexcept = 0;
  virtual std::exception_ptr take_exception() noexcept = 0;
};

/// Result of an awaited asio::awaitable, inside a stream.
template <class T>
struct Awaited {
  std::exception_ptr exception;
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
};

}  // namespace detail

/// A coroutine type: `Stream<int> countdown(int from) { while (from > 0) co_yield from--; }`. Starts when its first
/// value is asked for. Inside, co_await takes any asio::awaitable. Destroyed when the caller is gone.
template <class T>
class [[nodiscard]] Stream {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;
  using value_type = T;

  Stream(Stream&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Stream() {
    if (handle_) handle_.promise().abandon(handle_);
  }

  /// For the core: takes the coroutine over.
  std::unique_ptr<detail::StreamSource> release_source() &&;

 private:
  class Source;
  explicit Stream(Handle handle) noexcept : handle_(handle) {}
  Handle handle_;
};

template <class T>
class Stream<T>::promise_type {
 public:
  using Step = detail::StreamSource::Step;

  Stream get_return_object() noexcept { return Stream(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept {
    finish(Step::end);
    return {};
  }
  std::suspend_always yield_value(const T& value) noexcept {
    value_ = &value;
    finish(Step::value);
    return {};
  }
  void return_void() noexcept {}
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  template <class U>
  auto await_transform(asio::awaitable<U> awaitable) {
    struct Awaiter {
      promise_type& promise;
      asio::awaitable<U> awaitable;
      detail::Awaited<U> result;
      bool await_ready() const noexcept { return false; }
      void await_suspend(Handle handle) {
        promise.awaiting_ = true;
        asio::co_spawn(promise.executor_, run(std::move(awaitable), result), [handle](std::exception_ptr) {
          promise_type& self = handle.promise();
          self.awaiting_ = false;
          if (self.abandoned_) return handle.destroy();
          handle.resume();
          if (self.on_progress_) std::exchange(self.on_progress_, nullptr)(self.who_, self.step_);
        });
      }
      U await_resume() {
        if (result.exception) std::rethrow_exception(result.exception);
        if constexpr (!std::is_void_v<U>) return std::move(*result.value);
      }
      static asio::awaitable<void> run(asio::awaitable<U> inner, detail::Awaited<U>& result) {
        try {
          if constexpr (std::is_void_v<U>) {
            co_await std::move(inner);
          } else {
            result.value.emplace(co_await std::move(inner));
          }
        } catch (...) {
          result.exception = std::current_exception();
        }
      }
    };
    return Awaiter{*this, std::move(awaitable), {}};
  }

 private:
  friend class Stream;
  void finish(Step step) noexcept { step_ = step; }
  void abandon(Handle handle) {
    abandoned_ = true;
    on_progress_ = nullptr;
    if (!awaiting_) handle.destroy();  // else the awaited operation's end destroys it
  }
  Step advance(Handle handle, const asio::any_io_executor& executor, void (*on_progress)(void*, Step), void* who) {
    executor_ = executor;
    step_ = Step::waiting;
    on_progress_ = nullptr;
    handle.resume();
    if (step_ == Step::waiting) {
      on_progress_ = on_progress;
      who_ = who;
    }
    return step_;
  }

  const T* value_ = nullptr;
  std::exception_ptr exception_;
  asio::any_io_executor executor_;
  void (*on_progress_)(void*, Step) = nullptr;
  void* who_ = nullptr;
  Step step_ = Step::waiting;
  bool awaiting_ = false;
  bool abandoned_ = false;
};

template <class T>
class Stream<T>::Source final : public detail::StreamSource {
 public:
  explicit Source(Handle handle) noexcept : handle_(handle) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() override { handle_.promise().abandon(handle_); }
  Step advance(const asio::any_io_executor& executor, void (*on_progress)(void*, Step), void* who) override {
    return handle_.promise().advance(handle_, executor, on_progress, who);
  }
  ValueRef value() const noexcept override { return ValueRef::of(*handle_.promise().value_); }
  std::exception_ptr take_exception() noexcept override { return std::exchange(handle_.promise().exception_, nullptr); }

 private:
  Handle handle_;
};

template <class T>
std::unique_ptr<detail::StreamSource> Stream<T>::release_source() && {
  return std::make_unique<Source>(std::exchange(handle_, nullptr));
}

}  // namespace waybill
