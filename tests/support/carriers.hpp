// The brokers that tests of whole services run over, by what differs between them.
#pragma once

#include "waybill/registry.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

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
};

inline const std::vector<Carrier>& carriers() {
  static const std::vector<Carrier> all{
      {"redis", "redis", "WAYBILL_TEST_REDIS_URL", "", true},
      {"amqp", "rabbitmq", "WAYBILL_TEST_AMQP_URL", "/?queue=waybill-load", false},
      {"kafka", "kafka", "WAYBILL_TEST_KAFKA_URL", "/?groupId=waybill-load", false},
  };
  return all;
}

inline std::vector<Carrier> carriers_and_tcp() {
  std::vector<Carrier> all = carriers();
  all.push_back({"tcp", "", "", "", true});
  return all;
}

inline std::string free_tcp_url() {
  asio::io_context loop(1);
  const asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  return "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

inline bool is_built(const Carrier& carrier) {
  const std::vector<std::string> schemes = default_registry()->schemes();
  return std::find(schemes.begin(), schemes.end(), carrier.scheme) != schemes.end();
}

inline void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.scheme; }

}  // namespace waybill::test
