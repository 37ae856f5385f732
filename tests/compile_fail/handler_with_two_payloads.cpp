// expect-error: waybill: a handler is a callable that takes (T), (T, Context&), (Context&) or ()
#include <waybill/waybill.hpp>

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
#if defined(FIXED)
  service.on_request("sum", [](std::pair<int, int> both) { return both.first + both.second; });
#else
  service.on_request("sum", [](int a, int b) { return a + b; });
#endif
}
