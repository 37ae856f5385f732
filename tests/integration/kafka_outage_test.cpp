// A Kafka broker of the test's own is killed under load and started again: nothing that was accepted may be lost.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/fields.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport.hpp"
#include "waybill/url.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <set>

namespace waybill {
namespace {

/// scripts/brokers.sh with a folder of its own; its data goes with the object.
class OwnBroker {
 public:
  OwnBroker() : folder_(std::filesystem::temp_directory_path() / ("waybill-" + test::fresh_name())) {
    const std::string variables = run("up kafka");
    const std::string name = "WAYBILL_TEST_KAFKA_URL=";
    const std::size_t at = variables.find(name);
    if (at != std::string::npos) url_ = variables.substr(at + name.size(), variables.find('\n', at) - at - name.size());
  }
  ~OwnBroker() {
    run("wipe");
    std::filesystem::remove_all(folder_);
  }
  std::string run(const std::string& arguments) const {
    const auto script = std::filesystem::path(__FILE__).parent_path() / "../../scripts/brokers.sh";
    const std::string command =
        "WAYBILL_BROKERS_DIR=" + folder_.string() + " " + script.string() + " " + arguments + " 2>/dev/null";
    std::string output;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe) return output;
    std::array<char, 4096> buffer;
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
    ::pclose(pipe);
    return output;
  }
  const std::string& url() const noexcept { return url_; }

 private:
  std::filesystem::path folder_;
  std::string url_;
};

Slice encoded(const std::string& text) {
  Buffer body;
  default_registry()->find_serializer("json")->encode(ValueRef::of(text), body).value();
  return body.take();
}

TEST(KafkaOutage, NoAcceptedEventIsLostOverASigkill) {
  const std::string others = test::broker_url("WAYBILL_TEST_KAFKA_URL");
  WAYBILL_NEEDS_BROKER(others, "WAYBILL_TEST_KAFKA_URL");
  OwnBroker broker;
  ASSERT_FALSE(broker.url().empty()) << "scripts/brokers.sh up kafka failed";

  asio::io_context loop{1};
  test::LogCapture logs;
  Environment environment;
  environment.executor = loop.get_executor();
  environment.serializer = default_registry()->find_serializer("json");
  environment.log = logs.log();
  const Url url = Url::parse(broker.url()).value();
  const auto transport = default_registry()->make_transport(url).value();
  test::KeepingListenerSink service;
  test::KeepingConnectionSink caller;
  const auto listener = transport->make_listener(environment);
  const Pattern work("work");
  test::run_until(loop, listener->open({Route{work, false, true}}, service)).value();
  const auto connection = transport->make_connection(environment);
  test::run_until(loop, connection->open(caller)).value();

  std::set<std::string> handled;
  service.on_each = [&handled](Delivery&& delivery) {
    std::string text;
    delivery.packet.serializer->decode(delivery.packet.payload, ValueOut::of(text)).value();
    handled.insert(text);
    delivery.settle(Settlement::ack);
  };
  Ticket last = 0;
  const auto send = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Packet packet;
      packet.has_pattern = packet.has_payload = true;
      packet.pattern = work.term();
      packet.route = work.route();
      packet.serializer = environment.serializer;
      packet.payload = encoded(std::to_string(++last));
      connection->send(packet, last);
    }
  };
  send(300);
  ASSERT_TRUE(test::eventually(loop, [&] { return caller.sent.size() >= 100; }));
  broker.run("kill kafka");
  send(300);
  test::run_ready(loop);
  broker.run("start kafka");
  send(300);
  const auto patience = std::chrono::seconds(60);
  ASSERT_TRUE(test::eventually(loop, patience, [&] { return caller.sent.size() == last; })) << caller.sent.size();
  std::size_t accepted = 0;
  for (const auto& [ticket, outcome] : caller.sent) {
    if (!outcome) continue;
    ++accepted;
    const std::string text = std::to_string(ticket);
    ASSERT_TRUE(test::eventually(loop, patience, [&] { return handled.contains(text); }))
        << "accepted and lost: " << text;
  }
  EXPECT_EQ(accepted, last);  // the outage was shorter than send_timeout
  EXPECT_TRUE(caller.lost.empty());
  EXPECT_TRUE(service.lost.empty());
  connection->close();
  listener->close();
  test::run_ready(loop);
}

}  // namespace
}  // namespace waybill
