// expect-error: waybill: name this pattern first
#include <waybill/waybill.hpp>

asio::awaitable<int> price(waybill::Client& client, bool is_new) {
  using waybill::Pattern;
#if defined(FIXED)
  const Pattern pattern = is_new ? Pattern("price") : Pattern({{"cmd", "price"}});
  co_return co_await client.request<int>(pattern, 1);
#else
  co_return co_await client.request<int>(is_new ? Pattern("price") : Pattern({{"cmd", "price"}}), 1);
#endif
}

int main() {}
