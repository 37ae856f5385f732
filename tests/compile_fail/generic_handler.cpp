// expect-error: waybill: a handler is a callable that takes (T), (T, Context&), (Context&) or ()
#include <waybill/waybill.hpp>

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
#if defined(FIXED)
  service.on_request("echo", [](int value) { return value; });
#else
  service.on_request("echo", [](auto value) { return value; });
#endif
}
