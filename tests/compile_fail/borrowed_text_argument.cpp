// expect-error: waybill cannot decode into std::string_view
#include <waybill/waybill.hpp>

struct Order {
#if defined(FIXED)
  std::string id;
#else
  std::string_view id;
#endif
};

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
  service.on_request("order", [](const Order& order) { return order.id.size(); });
}
