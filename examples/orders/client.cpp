// Calls the orders service: a request, an error, a stream, an event. Start it with the path of orders.yaml.
#include "order.hpp"
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <iostream>

namespace {

asio::awaitable<void> place_orders(waybill::Client& orders) {
  Order order{"a-1", 2, "ring twice"};  // named: g++ 12 destroys temporaries in a co_await statement twice
  const Receipt receipt = co_await orders.request<Receipt>({{"cmd", "order"}}, order);
  std::cout << "order " << receipt.order_id << " costs " << receipt.total << '\n';

  order.quantity = 0;
  try {
    co_await orders.request<Receipt>({{"cmd", "order"}}, order);
  } catch (const waybill::Error& error) {
    std::cout << "refused: " << error.name() << ", " << error.message() << '\n';
  }

  auto numbers = orders.stream<int>("countdown", 3);
  while (const auto number = co_await numbers.next()) std::cout << *number << "...\n";

  co_await orders.emit("order.shipped", order);  // done when the transport's promise for it is met
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const waybill::Config config = waybill::Config::load(argc > 1 ? argv[1] : "orders.yaml");
    asio::io_context loop(1);
    waybill::Client orders(loop.get_executor(), config.client("orders"));
    std::exception_ptr failure;
    asio::co_spawn(loop, place_orders(orders), [&](std::exception_ptr thrown) {
      failure = thrown;
      orders.close();
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const waybill::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
