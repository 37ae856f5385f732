#include "http/request_id.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace waybill::http {

std::string request_id(const std::string* callers) {
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (callers && !callers->empty() && callers->size() <= 128 &&
      std::all_of(callers->begin(), callers->end(), is_visible)) {
    return *callers;
  }
  // It may be guessed; it must be another one each time.
  static thread_local std::mt19937_64 random{(std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
  std::string id(16, '0');
  for (std::uint64_t bits = random(), place = 0; place < id.size(); ++place, bits >>= 4) {
    id[place] = "0123456789abcdef"[bits & 15];
  }
  return id;
}

}  // namespace waybill::http
