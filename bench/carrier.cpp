#include "carrier.hpp"

#include <stdexcept>

namespace bench {

Carrier carrier_of(const Arguments& arguments) {
  const std::string transport = arguments.text("transport", "tcp");
  const std::string ns = arguments.text("ns", "bench");
  const auto at = [&arguments](const char* option, const char* otherwise) {
    return "127.0.0.1:" + arguments.text(option, otherwise);
  };
  const Carrier named{"", ns + ".echo", ns + ".evt"};
  if (transport == "tcp") {
    const std::string framing = arguments.text("handler") == "bytes" ? "binary" : "nest";
    return {"tcp://" + at("port", "3000") + "?framing=" + framing, "echo", "evt"};
  }
  if (transport == "redis") return {"redis://" + at("broker", "6379"), named.echo, named.event};
  const bool serves = arguments.mode == "server";
  const bool acknowledges = arguments.number("ack", 0) == 1;
  if (transport == "amqp") {
    const std::string delivery = acknowledges ? "at_least_once" : "at_most_once&mandatory=false";
    return {"amqp://guest:guest@" + at("broker", "5672") + "/?queue=" + ns +
                "&durable=false&autoDelete=true&delivery=" + delivery,
            named.echo, named.event};
  }
  if (transport == "kafka") {
    const std::string delivery = acknowledges ? "acks=all" : "enable.idempotence=false&rdkafka.acks=1";
    return {"kafka://" + at("broker", "9092") + "?rdkafka." + delivery + (serves ? "&group=" + ns : ""), named.echo,
            named.event};
  }
  throw std::runtime_error("--transport: tcp, redis, amqp or kafka, and not \"" + transport + "\"");
}

}  // namespace bench
