// The serializers that were built into this copy of waybill: the other factor of the conformance product.
#pragma once

#include "waybill/registry.hpp"

#include <string>
#include <vector>
#if __has_include("waybill/serializers/json.hpp")
#include "waybill/serializers/json.hpp"
#define WAYBILL_CONFORMANCE_JSON 1
#endif
#if __has_include("waybill/serializers/msgpack.hpp")
#include "waybill/serializers/msgpack.hpp"
#define WAYBILL_CONFORMANCE_MSGPACK 1
#endif

namespace waybill::conformance {

/// For a registry of a test's own.
inline void add_serializers(Registry& registry) {
#if defined(WAYBILL_CONFORMANCE_JSON)
  registry.add_serializer(json::make_json_serializer());
#endif
#if defined(WAYBILL_CONFORMANCE_MSGPACK)
  registry.add_serializer(msgpack::make_msgpack_serializer());
#endif
}

inline std::vector<std::string> serializer_names() {
  Registry registry;
  add_serializers(registry);
  std::vector<std::string> names;
  for (const auto* name : {"json", "msgpack"}) {
    if (registry.find_serializer(name)) names.emplace_back(name);
  }
  return names;
}

}  // namespace waybill::conformance
