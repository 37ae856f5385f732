// Middleware: advice around handlers and around client calls. Where none is configured nothing is paid for it.
#pragma once

#include "waybill/context.hpp"
#include "waybill/result.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace waybill {

namespace detail {

/// What middleware stands around, and the middleware: a chain that can be run from each of its places on.
class Chain {
 public:
  virtual ~Chain() = default;
  /// Place 0 is the outermost.
  virtual asio::awaitable<Result<void>> run_from(std::size_t place) = 0;
};

template <class Function>
concept ChainFunction = std::is_invocable_r_v<asio::awaitable<Result<void>>, Function&>;

template <ChainFunction Function>
class FunctionAsChain final : public Chain {
 public:
  explicit FunctionAsChain(Function function) : function_(std::move(function)) {}
  asio::awaitable<Result<void>> run_from(std::size_t) override { return function_(); }

 private:
  Function function_;
};

}  // namespace detail

/// Runs what is further in: the next middleware, at last the handler or the call. May be called again, one after the
/// other, to try again; each call starts from the same message. What was answered, if only with the first values of a stream,
/// is not run again: a further call gives the outcome that it had. Called when its message has its end, it does nothing and
/// gives errc::cancelled.
///
/// Threads: that of the middleware that it was given to.
class Next {
 public:
  Next() = default;  ///< Of nothing: as when its message has its end.
  Next(std::shared_ptr<detail::Chain> chain, std::size_t place) noexcept : chain_(std::move(chain)), place_(place) {}
  /// A function is the rest of the chain, for tests of a middleware alone.
  template <detail::ChainFunction Function>
  Next(Function function)  // NOLINT: implicit by design
      : Next(std::make_shared<detail::FunctionAsChain<Function>>(std::move(function)), 0) {}

  asio::awaitable<Result<void>> operator()() const;

 private:
  std::shared_ptr<detail::Chain> chain_;
  std::size_t place_ = 0;
};

/// A named step of the chain. `run` gives the outcome: an error returned on a service is answered to the caller, on a
/// client it ends the call. A service answers errc::overloaded with End::rejected so that its caller gets the same.
///
/// Threads:  those of the handlers and clients that it stands around; `run` may be called by several at the same time.
/// Lifetime: a copy shares what the original remembers; two services or clients that use() one share it, too.
struct Middleware {
  std::string name;
  std::function<asio::awaitable<Result<void>>(Context& context, Next next)> run;
  /// The one side where it makes sense; use() of the other refuses it. Empty: both.
  std::optional<Context::Side> only_on = std::nullopt;
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

struct CircuitBreakerOptions {
  double failure_rate = 0.5;  ///< Opens when so many of the calls in the window have failed, from 0 to 1,
  int minimum_calls = 20;     ///< and there were at least so many.
  std::chrono::milliseconds window{10'000};
  int consecutive = 0;                          ///< Opens as well when so many have failed in a row; 0: does not.
  std::chrono::milliseconds open{5'000};        ///< At least that long; doubled each time that a trial fails,
  std::chrono::milliseconds most_open{60'000};  ///< up to this. Up to half of it more, so that callers come apart.
  int trials = 1;  ///< So many calls pass after that; when all have gone well it closes, when one fails it opens again.
  enum class Scope {
    pattern,  ///< Each pattern has a circuit.
    all,      ///< One for all that passes.
  };
  Scope scope = Scope::pattern;
  int max_patterns = 1000;  ///< So many have one; then the least lately used is forgotten, unless it is open.
  /// What is a failure. Empty: what is_passing() (timeouts, lost connections, ...). An answer that is an error of another
  /// kind counts as success; cancellations and mistakes of the caller count as nothing.
  std::function<bool(const Error&)> counts;

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// Ends calls at once, with errc::overloaded and End::rejected, while most of those before them failed: who is down is
/// left alone, and who calls does not wait for it.
/// Throws Error(invalid_config) for options that are not valid.
Middleware circuit_breaker(CircuitBreakerOptions options = CircuitBreakerOptions());

struct BulkheadOptions {
  int max_concurrent = 16;  ///< So many calls, or messages in their handlers, at once; streams until they have ended.
  int max_waiting = 64;     ///< So many more wait for a place, in the order of their coming,
  std::chrono::milliseconds max_wait{1'000};  ///< at most that long, and not beyond their deadline.

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// Bounds what happens at once, so that one slow dependency does not take everything along. Beyond its bounds it refuses with
/// errc::overloaded, beyond a deadline with errc::timeout, End::rejected both.
/// Throws Error(invalid_config) for options that are not valid.
Middleware bulkhead(BulkheadOptions options = BulkheadOptions());

struct ThrottleOptions {
  int rate = 100;                        ///< So many calls or messages are let through
  std::chrono::milliseconds per{1'000};  ///< in so much time, evenly; up to an hour.
  std::optional<int> burst;              ///< So many at once after a rest; empty: as many as `rate`.
  int max_waiting = 1'000;               ///< So many more wait for their turn, in the order of their coming,
  std::chrono::milliseconds max_wait{
      1'000};  ///< if it comes within that time, and before their deadline. 0: none waits.

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// Lets no more through than so many in a time. What would have to wait too long is refused at once, with errc::overloaded
/// and End::rejected.
/// Throws Error(invalid_config) for options that are not valid.
Middleware throttle(ThrottleOptions options = ThrottleOptions());

struct DeduplicateOptions {
  std::string header{header::k_message_id};   ///< Whose value a message is known by,
  std::string property;                       ///< or, without that header, this one of Context::properties().
  std::chrono::milliseconds window{600'000};  ///< How long a message that was handled is known,
  int max_messages = 10'000;                  ///< and how many are; the earliest are forgotten first.
  /// Instead of header and property. Empty: the message has no id, and is handled each time.
  std::function<std::string(const Context&)> key;

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// For handlers: a message that was handled before is not handled again. An event is acknowledged; a request is answered with
/// the Error{"duplicate"}. One that comes while the first is in its handler waits for how that ends: a failed first counts
/// for nothing, and the next is handled. Messages are known by their pattern and id, in this process, by this object.
/// Throws Error(invalid_config) for options that are not valid.
Middleware deduplicate(DeduplicateOptions options = DeduplicateOptions());

/// For clients: gives each message an id of its own, in the header waybill-message-id, unless it has one. It stays the same
/// however often the message is sent: by retry, or again after a lost link.
Middleware message_id();

struct TraceOptions {
  double ratio =
      1;  ///< So many of the traces that begin here are sampled, from 0 to 1; those of others stay what they are.

  /// invalid_config with every mistake.
  Result<void> validate() const;
};
/// Each message is a step of a trace (W3C Trace Context): of the one that it, or the message that a call is made on behalf of,
/// belongs to; else of a new one. A client sends the step along; on a service Context::call_options() passes it on.
/// Throws Error(invalid_config) for options that are not valid.
Middleware trace(TraceOptions options = TraceOptions());

/// One line for each message: pattern, outcome, time taken, trace id if it has one. Payloads are not logged.
Middleware log(LogLevel level = LogLevel::info);

}  // namespace middleware
}  // namespace waybill
