// expect-error: waybill cannot decode into std::string_view
#include <waybill/waybill.hpp>

#if defined(FIXED)
using Text = std::string;
#else
using Text = std::string_view;
#endif

waybill::BlockingClient client("memory://x");
int main() { return static_cast<int>(client.request<Text>("name", 1).size()); }
