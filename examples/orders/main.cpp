// Requests, a stream and events behind two carriers at once. Start it with the path of orders.yaml.
#include "order.hpp"
#include <waybill/waybill.hpp>

#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include <iostream>

namespace {

/// Stands for a database: takes a while, and other handlers run meanwhile.
asio::awaitable<void> store(const Order& order) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(5));
  co_await timer.async_wait(asio::use_awaitable);
  std::cout << "stored " << order.id << " (" << order.quantity << ")" << std::endl;
}

int serve(const std::string& file) {
  const waybill::Config config = waybill::Config::load(file);
  waybill::Service service(config);
  waybill::Client self(service.executor(), config.client("self"));

  service.on_request({{"cmd", "order"}}, [&self](const Order& order) {
    if (order.quantity <= 0) throw waybill::Error{"bad_quantity", "an order needs at least one piece"};
    self.emit("order.created", order, asio::detached);
    return Receipt{order.id, order.quantity * 9.5};
  });
  service.on_request("countdown", [](int from) -> waybill::Stream<int> {
    while (from > 0) co_yield from--;  // many replies, then the end
  });
  service.on_event("order.*", [](const Order& order, waybill::Context& context) -> asio::awaitable<void> {
    std::cout << context.pattern() << ": " << order.note.value_or("no note") << std::endl;
    co_await store(order);  // the message is settled when this returns
  });
  return service.run();  // until SIGINT or SIGTERM, then it drains
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return serve(argc > 1 ? argv[1] : "orders.yaml");
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
