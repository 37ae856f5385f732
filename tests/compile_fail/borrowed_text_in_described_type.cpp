// expect-error: waybill cannot decode into std::string_view
#include <waybill/waybill.hpp>

class Order {
#if defined(FIXED)
  std::string id_;
#else
  std::string_view id_;
#endif
  int quantity_ = 1;

 public:
  WAYBILL_FIELDS(Order, WAYBILL_FIELD(id_, "id"), WAYBILL_FIELD(quantity_, "quantity"))
};

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
  service.on_event("order", [](const std::vector<Order>&) {});
}
