// What an awaitable ended with, for code that is no coroutine.
#pragma once

#include <asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace waybill::detail {

/// REQUIRES for take(): is_done.
template <class T>
struct KeptOutcome {
  std::exception_ptr exception;
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
  bool is_done = false;

  /// Throws what the awaitable threw.
  T take() {
    if (exception) std::rethrow_exception(exception);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};

/// Awaits `work` and fills `outcome`.
template <class T>
asio::awaitable<void> keep_outcome(asio::awaitable<T> work, std::shared_ptr<KeptOutcome<T>> outcome) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
      outcome->value.emplace();
    } else {
      outcome->value.emplace(co_await std::move(work));
    }
  } catch (...) {
    outcome->exception = std::current_exception();
  }
  outcome->is_done = true;
}

}  // namespace waybill::detail
