#include "work.hpp"

#include "order.hpp"
#include <waybill/time.hpp>

namespace shop {
namespace {

asio::awaitable<void> take_a_while() {
  waybill::Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(200));
  co_await timer.async_wait();
}

}  // namespace

void add_work(waybill::Application& app) {
  // An event is acknowledged when its handler has returned, and that only when the broker has the next event: a program
  // that ends in between gets it again. So each step may be done twice, and tells payment and carrier the order's id, by
  // which they know it again.
  auto step = [&app](const waybill::Pattern& taken, const waybill::Pattern& next, const std::string& state) {
    app.service().at("work").on_event(taken, [&app, next, state](Order order) -> asio::awaitable<void> {
      co_await take_a_while();
      order.state = state;
      co_await app.client("orders").emit(next, order);
    });
  };
  step("order.placed", "order.paid", "paid");
  step("order.paid", "order.shipped", "shipped");
}

}  // namespace shop
