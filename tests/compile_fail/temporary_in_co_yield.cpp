// expect-error: waybill: name this value first
#include <waybill/waybill.hpp>

#include <string>

struct Order {
  std::string id;
  int quantity = 1;
};

waybill::Stream<Order> orders() {
#if defined(FIXED)
  Order order{"a-1", 2};
  co_yield order;
#else
  co_yield Order{"a-1", 2};
#endif
}

int main() { (void)orders(); }
