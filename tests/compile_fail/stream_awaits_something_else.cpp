// expect-error: waybill: in a Stream co_await takes asio::awaitable
#include <waybill/waybill.hpp>

#include <asio/steady_timer.hpp>
#include <asio/use_future.hpp>

waybill::Stream<int> ticks(asio::steady_timer& timer) {
#if defined(FIXED)
  co_await timer.async_wait(asio::use_awaitable);
#else
  co_await timer.async_wait(asio::use_future);
#endif
  co_yield 1;
}

int main() {}
