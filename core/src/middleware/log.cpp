#include "waybill/middleware.hpp"
#include "waybill/time.hpp"

#include <chrono>
#include <string>

namespace waybill::middleware {

namespace {

asio::awaitable<Result<void>> run_logged(LogLevel level, Context& context, Next next) {
  const detail::Clock clock = detail::Clock::of(context.executor());
  const auto begin = clock.now();
  Result<void> outcome = co_await next();
  if (context.log().wants(level)) {
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(clock.now() - begin).count();
    std::string line(context.is_request() ? "request " : "event ");
    line.append(context.pattern()).append(outcome ? " ok" : std::string(" failed: ") + outcome.error().what());
    line.append(" in ").append(std::to_string(taken)).append(" us");
    if (context.attempt() > 1) line.append(", attempt ").append(std::to_string(context.attempt()));
    if (const auto trace = context.trace().parent) line.append(", trace ").append(trace->trace_id_text());
    context.log().write(level, line);
  }
  co_return outcome;
}

}  // namespace

Middleware log(LogLevel level) {
  return {"log", [level](Context& context, Next next) { return run_logged(level, context, std::move(next)); }};
}

}  // namespace waybill::middleware
