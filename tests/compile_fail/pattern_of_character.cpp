// expect-error: use of deleted function
#include <waybill/waybill.hpp>

int main() {
#if defined(FIXED)
  const waybill::Pattern pattern("x");
#else
  const waybill::Pattern pattern('x');
#endif
}
