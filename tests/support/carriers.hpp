// The brokers that tests of whole services run over, by what differs between them.
#pragma once

#include "waybill/registry.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

namespace waybill::test {

struct Carrier {
  std::string scheme;
  std::string broker;     ///< As scripts/brokers.sh knows it.
  std::string variable;   ///< Where the URL of a running one is.
  std::string options;    ///< Of both sides: one queue for all.
  bool loses_in_outages;  ///< At most once: what is sent while it is away may be gone.
  int patience_seconds;   ///< Until it serves again after it accepts connections.
};

inline const std::vector<Carrier>& carriers() {
  static const std::vector<Carrier> all{
      {"redis", "redis", "WAYBILL_TEST_REDIS_URL", "", true, 3},
      {"amqp", "rabbitmq", "WAYBILL_TEST_AMQP_URL", "/?queue=waybill-load", false, 3},
      {"kafka", "kafka", "WAYBILL_TEST_KAFKA_URL", "/?groupId=waybill-load", false, 10},
  };
  return all;
}

inline bool is_built(const Carrier& carrier) {
  const std::vector<std::string> schemes = default_registry()->schemes();
  return std::find(schemes.begin(), schemes.end(), carrier.scheme) != schemes.end();
}

inline void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.scheme; }

}  // namespace waybill::test
