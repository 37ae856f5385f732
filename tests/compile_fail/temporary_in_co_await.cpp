// expect-error: waybill: name this payload first
#include <waybill/waybill.hpp>

#include <string>

struct Order {
  std::string id;
  int quantity = 1;
};

asio::awaitable<int> price(waybill::Client& client) {
#if defined(FIXED)
  Order order{"a-1", 2};
  co_return co_await client.request<int>("price", order);
#else
  co_return co_await client.request<int>("price", Order{"a-1", 2});
#endif
}

int main() {}
