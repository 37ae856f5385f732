// expect-error: use of deleted function
#include <waybill/error.hpp>

int main() {
#if defined(FIXED)
  throw waybill::Error(waybill::errc::overloaded, "sold out", waybill::End::rejected);
#else
  throw waybill::Error("E42", "sold out", waybill::End::rejected);
#endif
}
