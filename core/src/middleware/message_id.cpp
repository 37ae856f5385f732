#include "random_bits.hpp"
#include "waybill/middleware.hpp"

#include <string>
#include <utility>

namespace waybill::middleware {

namespace {

std::string new_message_id() {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string id;
  for (int word = 0; word < 2; ++word) {
    std::uint64_t bits = detail::random_bits();
    for (int digit = 0; digit < 16; ++digit, bits >>= 4) id += k_digits[bits & 15];
  }
  return id;
}

}  // namespace

Middleware message_id() {
  const auto run = [](Context& context, Next next) {
    if (!context.header(header::k_message_id)) context.set_header(header::k_message_id, new_message_id());
    return next();
  };
  return {"message_id", run, Context::Side::client};
}

}  // namespace waybill::middleware
