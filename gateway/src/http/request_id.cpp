#include "http/request_id.hpp"

#include <algorithm>
#include <cstdio>
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
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random()));
  return text;
}

}  // namespace waybill::http
