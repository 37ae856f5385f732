// Calls of the public API as tests make them: begun, and looked at once they have ended.
#pragma once

#include "waybill/client.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

namespace waybill::conformance {

/// How a call ended, once it has.
template <class T>
using Outcome = std::shared_ptr<std::optional<Result<T>>>;

/// A completion handler that keeps the outcome; told twice is a failure.
template <class T>
auto keep(const Outcome<T>& outcome) {
  return [outcome](Result<T> result) {
    EXPECT_FALSE(outcome->has_value()) << "a call ended twice";
    outcome->emplace(std::move(result));
  };
}
template <class T>
Outcome<T> make_outcome() {
  return std::make_shared<std::optional<Result<T>>>();
}

/// Begins a request.
template <class R, class Body>
Outcome<R> request(Client& client, const Pattern& pattern, const Body& body,
                   const CallOptions& options = CallOptions()) {
  auto outcome = make_outcome<R>();
  client.request<R>(pattern, body, options, keep(outcome));
  return outcome;
}
template <class Body>
Outcome<Accepted> emit(Client& client, const Pattern& pattern, const Body& body,
                       const CallOptions& options = CallOptions()) {
  auto outcome = make_outcome<Accepted>();
  client.emit(pattern, body, options, keep(outcome));
  return outcome;
}

/// Something that handlers wait for until the test opens it.
class Gate {
 public:
  explicit Gate(asio::io_context& loop) : timer_(loop, asio::steady_timer::time_point::max()) {}
  asio::awaitable<void> pass() {
    if (!is_open_) co_await detail::wait_quietly(timer_);
  }
  void open() {
    is_open_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  bool is_open_ = false;
};

}  // namespace waybill::conformance
