// expect-error: waybill:
#include <waybill/waybill.hpp>

struct Shape {
#if !defined(FIXED)
  int* corners = nullptr;
#endif
  int color = 0;
};

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
  service.on_request("draw", [](const Shape&) { return 1; });
}
