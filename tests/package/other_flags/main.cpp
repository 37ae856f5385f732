// A service and a client of it in one program, which is built with other flags than the library: calls are made, so that
// memory goes to and fro between the two.
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <cstdio>
#include <string>

struct Order {
  std::string id;
  int quantity = 1;
};

asio::awaitable<void> run(waybill::Service& service, int& sum) {
  co_await service.start();
  waybill::Client client(co_await asio::this_coro::executor, service.addresses().front());
  const Order order{"an order with a name of some length", 3};
  for (int i = 0; i < 100; ++i) sum += co_await client.request<int>("quantity", order);
  auto numbers = client.stream<int>("count", 3);
  while (auto n = co_await numbers.next()) sum += *n;
  client.close();
  co_await service.drain(std::chrono::seconds(5));
}

int main() {
  asio::io_context loop;
  waybill::Service service(loop.get_executor(), waybill::Config::listen({"tcp://127.0.0.1:0"}));
  service.on_request("quantity", [](const Order& order) { return order.quantity; });
  service.on_request("count", [](int to) -> waybill::Stream<int> {
    for (int i = 1; i <= to; ++i) co_yield i;
  });
  int sum = 0;
  asio::co_spawn(loop, run(service, sum), asio::detached);
  loop.run();
  std::printf("sum %d\n", sum);
  return sum == 306 ? 0 : 1;
}
