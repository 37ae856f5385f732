// expect-error: waybill: a handler is a callable that takes (T), (T, Context&), (Context&) or ()
#include <waybill/waybill.hpp>

#include <string>

int main() {
  waybill::Service service(waybill::Config::listen({"memory://x"}));
#if defined(FIXED)
  service.on_event("log", [](std::string line) { line.clear(); });
#else
  service.on_event("log", [](std::string& line) { line.clear(); });
#endif
}
