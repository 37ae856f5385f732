#include "waybill/detail/asio.hpp"
#include "waybill/detail/clock.hpp"
#include "waybill/middleware.hpp"
#include "waybill/time.hpp"

#include <asio/experimental/awaitable_operators.hpp>

namespace waybill::middleware {

namespace {

asio::awaitable<Result<void>> run_within(std::chrono::milliseconds limit, Context& context, Next next) {
  using asio::experimental::awaitable_operators::operator||;
  Timer timer(context.executor(), limit);
  const auto deadline = timer.expiry();
  if (const auto known = context.deadline(); !known || *known > deadline) context.set_deadline(deadline);
  auto work = next();
  auto wait = detail::wait_quietly(timer);
  const auto first = co_await (std::move(work) || std::move(wait));
  if (first.index() == 0) co_return std::get<0>(first);
  co_return Error(errc::timeout, "not done within " + std::to_string(limit.count()) + " ms", End::unknown);
}

}  // namespace

Middleware timeout(std::chrono::milliseconds limit) {
  if (limit.count() <= 0) throw Error(errc::invalid_config, "timeout: its limit must be more than 0", End::rejected);
  return {"timeout", [limit](Context& context, Next next) { return run_within(limit, context, std::move(next)); }};
}

}  // namespace waybill::middleware
