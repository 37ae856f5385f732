// A delivery on its way through the middleware to its handlers, as a coroutine.
#include "middleware/chain.hpp"
#include "service/listener_host.hpp"
#include "waybill/detail/asio.hpp"

#include <asio/cancellation_state.hpp>
#include <asio/error.hpp>

#include <system_error>

namespace waybill::detail {
namespace {

/// What asynchronous operations that were cancelled end with.
bool is_abort(const std::exception_ptr& exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const std::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

asio::awaitable<void> ListenerHost::run(Held held) {
  struct Over {
    ~Over() { held.is_over = true; }
    HeldExchange& held;
  } const over{*held};
  Result<void> outcome;
  try {
    outcome = co_await run_from(0, held);
  } catch (...) {
    outcome = error_from_handler(std::current_exception(), held->delivery.packet, held->exchange.log());
  }
  if (!is_of_this_link(*held)) {
    if (!outcome) counters.failed.fetch_add(1, std::memory_order_relaxed);
    co_return;
  }
  // A middleware answers for its handlers: with nothing.
  if (outcome && !held->has_run && !held->exchange.is_given_back()) held->exchange.reply_end();
  if (outcome)
    finished(held->exchange);
  else
    failed(held->exchange, outcome.error());
}

asio::awaitable<Result<void>> HeldExchange::run_from(std::size_t place) {
  return is_over ? ended_before() : host.run_from(place, shared_from_this());
}

asio::awaitable<Result<void>> ListenerHost::run_from(std::size_t place, Held held) {
  if (place == chain_.size()) return run_handlers(std::move(held));
  Exchange& exchange = held->exchange;
  return run_one(chain_[place], exchange, Next(std::move(held), place + 1));
}

asio::awaitable<Result<void>> ListenerHost::run_handlers(Held held) {
  if (held->is_over) co_return Error(errc::cancelled, "the message has its end", End::unknown);
  held->has_run = true;
  // What was answered, if only in part, is not answered again: a middleware that tries again gets the same outcome.
  if (held->exchange.has_answered()) co_return held->outcome;
  const RouteEntry& entry = held->entry;
  const bool is_request = held->exchange.wants_reply();
  const bool is_sole = entry.request && (is_request || entry.events.empty());
  const bool collects = !is_sole && is_request && entry.events.size() > 1;
  const std::size_t count = is_sole ? 1 : entry.events.size();
  Buffer returned[2];
  Result<void>& outcome = held->outcome;  // the first that failed
  outcome = {};
  for (std::size_t i = 0; i < count; ++i) {
    if (collects) {
      returned[i ? 1 : 0].clear();
      held->exchange.collect_into(&returned[i ? 1 : 0]);
    }
    Handler& handler = is_sole ? *entry.request : *entry.events[i];
    std::exception_ptr thrown;
    try {
      co_await handler.start(held->exchange);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (!thrown) continue;
    const asio::cancellation_state stopped = co_await asio::this_coro::cancellation_state;
    Error error =
        stopped.cancelled() != asio::cancellation_type::none && is_abort(thrown)
            ? Error(errc::cancelled, "the handler was cancelled", End::unknown)  // by a middleware, which knows why
            : error_of_handler(thrown, held->exchange.packet(), held->exchange.log());
    if (outcome) outcome = std::move(error);
  }
  if (collects && outcome) answer_collected(held->exchange, std::move(returned[0]), std::move(returned[1]));
  const bool is_half = !outcome && held->exchange.has_answered();
  if (is_half) outcome = outcome.error().permanent();
  co_return outcome;
}

}  // namespace waybill::detail
