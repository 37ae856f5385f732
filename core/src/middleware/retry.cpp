#include "random_bits.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"
#include "waybill/time.hpp"
#include "waybill/transport/backoff.hpp"

#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

bool may_help(const RetryOptions& options, const Context& context, const Error& error) {
  if (options.when) return options.when(error);
  if (context.side() == Context::Side::service || options.idempotent) return error.is_passing();
  return error.is_retryable();
}

asio::awaitable<Result<void>> run_again(RetryOptions options, Context& context, Next next) {
  transport::Backoff backoff({options.first, options.most});
  Timer timer(context.executor());
  for (int attempt = 1;; ++attempt) {
    Result<void> outcome = co_await next();
    if (outcome || attempt >= options.attempts || !may_help(options, context, outcome.error())) co_return outcome;
    const std::chrono::milliseconds pause = backoff.next(detail::random_bits());
    const auto deadline = context.deadline();
    const detail::TimePoint next_try = detail::deadline_after(timer.now(), pause);
    if (deadline && next_try >= *deadline) co_return outcome;
    timer.expires_at(next_try);
    co_await detail::wait_quietly(timer);
  }
}

}  // namespace

Result<void> RetryOptions::validate() const {
  std::string mistakes;
  if (attempts < 1) mistakes += "retry: attempts must be at least 1\n";
  if (first.count() < 0) mistakes += "retry: the first pause is negative\n";
  if (most < first) mistakes += "retry: the longest pause is less than the first\n";
  if (mistakes.empty()) return {};
  mistakes.pop_back();
  return Error(errc::invalid_config, std::move(mistakes), End::rejected);
}

Middleware retry(RetryOptions options) {
  options.validate().value();
  return {"retry", [options](Context& context, Next next) { return run_again(options, context, std::move(next)); }};
}

}  // namespace waybill::middleware
