// expect-error: waybill:
#include <waybill/waybill.hpp>

struct Shape {
  virtual ~Shape() = default;
  int* corners = nullptr;
};

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
  service.on_request("draw", [](const Shape&) { return 1; });
}
