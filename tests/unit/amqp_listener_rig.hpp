// A listener of amqp in front of a broker that does as a test says.
#pragma once

#include "amqp_fake_broker.hpp"
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"

#include <gtest/gtest.h>

namespace waybill::amqp {

inline constexpr const char* k_request = R"({"pattern":"p","id":"id-1","data":1})";

class AmqpListenerAlone : public testing::Test {
 protected:
  test::OpenListener& listen(const std::string& options = {}) {
    listening.transport =
        test::transport_of("amqp://127.0.0.1:" + std::to_string(broker.port()) + "/?queue=q" + options);
    Environment environment;
    environment.executor = loop.get_executor();
    environment.serializer = &json_format();
    environment.log = logs.log();
    environment.dead_letter = dead_letter;
    environment.max_in_flight = max_in_flight;
    listening.listener = listening.transport->make_listener(std::move(environment));
    return listening;
  }
  Result<void> open() {
    const Routes routes{{Pattern("p"), true, true}};
    return test::run_until(loop, listening.listener->open(routes, listening.sink));
  }
  static Packet answer(const std::string& data) {
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.serializer = &json_format();
    reply.payload = Slice::copy('"' + data + '"');
    return reply;
  }

  std::string dead_letter;
  std::size_t max_in_flight = 1024;
  asio::io_context loop{1};
  test::LogCapture logs;
  FakeBroker broker{loop};
  test::OpenListener listening;
};

}  // namespace waybill::amqp
