// Waiting in tests: for a condition or for an awaitable, with a deadline, and never for a while only.
#pragma once

#include "waybill/detail/kept_outcome.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

namespace waybill::test {

/// Long enough for a loaded machine under a sanitizer; what works does not wait for it.
inline constexpr std::chrono::seconds k_patience{20};

/// Runs the loop until the condition holds; false at the deadline.
template <class Condition>
bool eventually(asio::io_context& loop, std::chrono::milliseconds limit, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    if (loop.stopped()) loop.restart();
    if (loop.run_one_for(std::chrono::milliseconds(5)) == 0) std::this_thread::yield();
  }
  return true;
}
template <class Condition>
bool eventually(asio::io_context& loop, Condition condition) {
  return eventually(loop, k_patience, std::move(condition));
}

/// Polls until the condition holds, which other threads bring about; false at the deadline.
template <class Condition>
bool eventually(std::chrono::milliseconds limit, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Does something that blocks, on a thread of its own, while the loop runs.
template <class Work>
void meanwhile(asio::io_context& loop, Work work) {
  std::future<void> done = std::async(std::launch::async, std::move(work));
  while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (loop.stopped()) loop.restart();
    loop.run_for(std::chrono::milliseconds(5));
  }
  done.get();
}

/// Runs every handler that is ready, and those that these make ready: what must not happen has had its chance to.
inline void run_ready(asio::io_context& loop) {
  if (loop.stopped()) loop.restart();
  while (loop.poll() != 0) {
  }
}

/// Runs the loop until the awaitable has completed, and returns its result. Throws what it throws, and
/// std::runtime_error when it does not complete in time.
template <class T>
T run_until(asio::io_context& loop, asio::awaitable<T> work, std::chrono::milliseconds limit = k_patience) {
  auto outcome = std::make_shared<waybill::detail::KeptOutcome<T>>();
  auto keeping = waybill::detail::keep_outcome(std::move(work), outcome);
  asio::co_spawn(loop, std::move(keeping), [](std::exception_ptr) {});
  if (!eventually(loop, limit, [&outcome] { return outcome->is_done; })) {
    throw std::runtime_error("the operation did not complete in time");
  }
  return outcome->take();
}

}  // namespace waybill::test
