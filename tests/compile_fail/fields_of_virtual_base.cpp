// expect-error: waybill: WAYBILL_FIELDS reaches members of the type itself and of its public bases
#include <waybill/waybill.hpp>

struct Base {
  int x = 0;
};
#if defined(FIXED)
struct Derived : Base {
#else
struct Derived : virtual Base {
#endif
  int y = 0;
  WAYBILL_FIELDS(Derived, x, y)
};

int main() { return static_cast<int>(waybill::type_of<Derived>().kind); }
