#include "random_bits.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/backoff.hpp"
#include "waybill/middleware.hpp"

#include <asio/steady_timer.hpp>

namespace waybill::middleware {

namespace {

asio::awaitable<Result<void>> run_again(RetryOptions options, Context& context, Next next) {
  detail::Backoff backoff({options.first, options.most});
  asio::steady_timer timer(context.executor());
  for (int attempt = 1;; ++attempt) {
    Result<void> outcome = co_await next();
    if (outcome || attempt >= options.attempts || !options.when(outcome.error())) co_return outcome;
    const std::chrono::milliseconds pause = backoff.next(detail::random_bits());
    const auto deadline = context.deadline();
    if (deadline && std::chrono::steady_clock::now() + pause >= *deadline) co_return outcome;
    timer.expires_after(pause);
    co_await detail::wait_quietly(timer);
  }
}

}  // namespace

Middleware retry(RetryOptions options) {
  return {"retry", [options](Context& context, Next next) { return run_again(options, context, std::move(next)); }};
}

}  // namespace waybill::middleware
