// default_registry(): the one place where URL schemes and serializer names meet the components that were built.
#include "waybill/registry.hpp"

#if defined(WAYBILL_HAS_MEMORY)
#include "waybill/transports/memory.hpp"
#endif
#if defined(WAYBILL_HAS_TCP)
#include "waybill/transports/tcp.hpp"
#endif
#if defined(WAYBILL_HAS_REDIS)
#include "waybill/transports/redis.hpp"
#endif
#if defined(WAYBILL_HAS_AMQP)
#include "waybill/transports/amqp.hpp"
#endif
#if defined(WAYBILL_HAS_KAFKA)
#include "waybill/transports/kafka.hpp"
#endif
#if defined(WAYBILL_HAS_JSON)
#include "waybill/serializers/json.hpp"
#endif
#if defined(WAYBILL_HAS_MSGPACK)
#include "waybill/serializers/msgpack.hpp"
#endif

namespace waybill {

void add_built_in_serializers([[maybe_unused]] Registry& registry) {
#if defined(WAYBILL_HAS_JSON)
  registry.add_serializer(json::make_json_serializer());
#endif
#if defined(WAYBILL_HAS_MSGPACK)
  registry.add_serializer(msgpack::make_msgpack_serializer());
#endif
}

namespace {

std::shared_ptr<const Registry> make_default_registry() {
  auto registry = std::make_shared<Registry>();
  add_built_in_serializers(*registry);
#if defined(WAYBILL_HAS_MEMORY)
  registry->add_transport("memory", memory::make_transport);
#endif
#if defined(WAYBILL_HAS_TCP)
  for (const char* scheme : {"tcp", "tcps"}) registry->add_transport(scheme, tcp::make_transport);
#endif
#if defined(WAYBILL_HAS_REDIS)
  for (const char* scheme : {"redis", "rediss"}) registry->add_transport(scheme, redis::make_transport);
#endif
#if defined(WAYBILL_HAS_AMQP)
  for (const char* scheme : {"amqp", "amqps"}) registry->add_transport(scheme, amqp::make_transport);
#endif
#if defined(WAYBILL_HAS_KAFKA)
  for (const char* scheme : {"kafka", "kafkas"}) registry->add_transport(scheme, kafka::make_transport);
#endif
  return registry;
}

}  // namespace

std::shared_ptr<const Registry> default_registry() {
  static const std::shared_ptr<const Registry> registry = make_default_registry();
  return registry;
}

}  // namespace waybill
