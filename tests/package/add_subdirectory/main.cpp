// A program that takes the default registry of what was switched on.
#include <waybill/registry.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#ifndef ASIO_DISABLE_STD_ALIGNED_ALLOC
#error "programs must be told to allocate Asio's memory as the library does"
#endif

int main() {
  const auto registry = waybill::default_registry();
  if (registry->default_serializer().name() != "json" || registry->find_serializer("msgpack") != nullptr) return 1;
  auto schemes = registry->schemes();
  std::sort(schemes.begin(), schemes.end());
  if (schemes != std::vector<std::string>{"memory", "tcp", "tcps"}) return 2;
  std::puts("configured, built, linked and ran");
  return 0;
}
