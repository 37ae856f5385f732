// Middleware: advice around handlers and around client calls. Where none is configured nothing is paid for it.
#pragma once

#include "waybill/context.hpp"
#include "waybill/result.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace waybill {

/// Runs what is further in: the next middleware, at last the handler or the call. May be called again, one after the
/// other, to try again; each call starts from the same message. On a service a request that was answered, if only with the
/// first values of a stream, is not handled again: a further call gives the outcome that it had.
using Next = std::function<asio::awaitable<Result<void>>()>;

/// A named step of the chain. `run` gives the outcome: an error returned on a service is answered to the caller, on a
/// client it ends the call.
struct Middleware {
  std::string name;
  std::function<asio::awaitable<Result<void>>(Context& context, Next next)> run;
};

namespace middleware {

/// Ends what takes longer with errc::timeout. On a service what the handler waits for is cancelled, and when that has
/// ended the timeout is answered: a handler that blocks its thread, or waits for something that ignores cancellation,
/// takes as long as it takes. Throws Error(invalid_config) for a limit that is not more than 0.
Middleware timeout(std::chrono::milliseconds limit);

struct RetryOptions {
  int attempts = 3;  ///< In all, the first included.
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds most{10'000};
  /// Handling a message twice does no harm: what was perhaps taken is sent again as well. For all calls of a client;
  /// CallOptions::idempotent says it of one.
  bool idempotent = false;
  /// Empty: on a client Error::is_retryable(), or is_passing() for what is idempotent; around handlers is_passing().
  std::function<bool(const Error&)> when;

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// Tries again, with a jittered backoff, what failed in a way that can pass. Stops at the deadline of the call. A client
/// does not send again what may have been taken, unless it is idempotent.
/// Throws Error(invalid_config) for options that are not valid.
Middleware retry(RetryOptions options = RetryOptions());

/// One line for each message: pattern, outcome, time taken. Payloads are not logged.
Middleware log(LogLevel level = LogLevel::info);

}  // namespace middleware
}  // namespace waybill
