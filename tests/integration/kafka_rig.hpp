// What the tests of kafka on a real broker share.
#pragma once

#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/fields.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace waybill::test {

/// A loop and a broker; topics and groups with a prefix of the test.
class Kafka : public testing::Test {
 protected:
  using Service = OpenListener;
  using Caller = OpenConnection;

  void SetUp() override {
    base_ = broker_url("WAYBILL_TEST_KAFKA_URL");
    WAYBILL_NEEDS_BROKER(base_, "WAYBILL_TEST_KAFKA_URL");
    prefix_ = fresh_name() + ".";
  }
  void TearDown() override {
    EXPECT_TRUE(deletes_topics_ || !logs_.contains("deleted or made anew")) << "an intake has lost its place";
  }
  ~Kafka() override { run_ready(loop_); }

  std::string url(const std::string& more = "") const { return base_ + "/?prefix=" + prefix_ + more + options(); }
  /// WAYBILL_TEST_KAFKA_OPTIONS: more options of each URL, as "&rdkafka.group.protocol=consumer".
  static std::string options() {
    const char* const text = std::getenv("WAYBILL_TEST_KAFKA_OPTIONS");
    return text ? text : "";
  }
  static bool has_brokers_decide() { return options().find("group.protocol=consumer") != std::string::npos; }
  Environment environment(const std::string& group = {}) {
    Environment environment;
    environment.executor = loop_.get_executor();
    environment.serializer = default_registry()->find_serializer("json");
    environment.log = logs_.log();
    environment.group = group;
    return environment;
  }

  Result<void> try_listen(Service& service, const std::string& url, const Routes& routes,
                          const std::string& group = {}) {
    service.transport = transport_of(url);
    service.listener = service.transport->make_listener(environment(group));
    return run_until(loop_, service.listener->open(routes, service.sink));
  }
  std::unique_ptr<Service> listen(const Routes& routes, const std::string& more = "", const std::string& group = {}) {
    auto service = std::make_unique<Service>();
    try_listen(*service, url(more), routes, group).value();
    return service;
  }
  Result<void> try_connect(Caller& caller, const std::string& url) {
    caller.transport = transport_of(url);
    caller.connection = caller.transport->make_connection(environment());
    return run_until(loop_, caller.connection->open(caller.sink));
  }
  std::unique_ptr<Caller> connect(const std::string& more = "") {
    auto caller = std::make_unique<Caller>();
    try_connect(*caller, url(more)).value();
    return caller;
  }

  struct Sending {
    std::string route;
    std::string text;
    std::string id;  ///< Empty: an event.
    std::string key;
    Ticket ticket = 0;
    std::string partition = {};
  };
  void send(Caller& from, const Sending& what) {
    const Pattern pattern(what.route);
    Packet packet;
    packet.kind = what.id.empty() ? PacketKind::event : PacketKind::request;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern = pattern.term();
    packet.route = pattern.route();
    packet.id.text = what.id;
    packet.serializer = default_registry()->find_serializer("json");
    Buffer body;
    packet.serializer->encode(ValueRef::of(what.text), body).value();
    packet.payload = body.take();
    if (!what.key.empty()) packet.properties.set("key", what.key);
    if (!what.partition.empty()) packet.properties.set("partition", what.partition);
    from.connection->send(packet, what.ticket);
  }
  static std::string text_of(const Packet& packet) {
    std::string text;
    packet.serializer->decode(packet.payload, ValueOut::of(text)).value();
    return text;
  }
  static void answer(Delivery&& delivery, std::string_view text) {
    const Delivery mine = std::move(delivery);
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.id = mine.packet.id;
    reply.serializer = mine.packet.serializer;
    Buffer body;
    reply.serializer->encode(ValueRef::of(text), body).value();
    reply.payload = body.take();
    mine.reply(reply);
    const_cast<Delivery&>(mine).settle(Settlement::ack);
  }
  template <class Condition>
  bool wait_for(Condition condition) {
    return eventually(loop_, std::move(condition));
  }

  asio::io_context loop_{1};
  LogCapture logs_;
  std::string base_;
  std::string prefix_;
  bool deletes_topics_ = false;  ///< The test does.
};

inline Routes requests(const char* pattern) { return {Route{pattern, true, false}}; }
inline Routes events(const char* pattern) { return {Route{pattern, false, true}}; }

}  // namespace waybill::test
