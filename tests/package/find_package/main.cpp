// A program that brings its own registry, with the components it asked for.
#include <waybill/registry.hpp>
#include <waybill/serializers/json.hpp>
#include <waybill/transports/tcp.hpp>

#include <cstdio>

#ifndef ASIO_DISABLE_STD_ALIGNED_ALLOC
#error "programs must be told to allocate Asio's memory as the library does"
#endif

int main() {
  waybill::Registry registry;
  registry.add_serializer(waybill::json::make_json_serializer());
  registry.add_transport("tcp", waybill::tcp::make_transport);
  const auto url = waybill::Url::parse("tcp://127.0.0.1:3000");
  if (!url) return 1;
  const auto transport = registry.make_transport(*url);
  if (!transport || transport.value()->capabilities().transport != "tcp") return 2;
  const auto unknown = waybill::Url::parse("memory://nowhere");
  if (!unknown || registry.make_transport(*unknown)) return 3;
  std::puts("found, built, linked and ran");
  return 0;
}
