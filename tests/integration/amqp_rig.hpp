// What the tests of amqp on a real broker share.
#pragma once

#include "support/amqp_admin.hpp"
#include "support/broker_url.hpp"
#include "support/chaos_proxy.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace waybill {

using std::chrono::milliseconds;

/// A loop and a broker; queues and exchanges with fresh names, removed at the end.
class AmqpIntegration : public testing::Test {
 protected:
  void SetUp() override {
    base_ = test::broker_url("WAYBILL_TEST_AMQP_URL");
    WAYBILL_NEEDS_BROKER(base_, "WAYBILL_TEST_AMQP_URL");
    admin = std::make_unique<test::AmqpAdmin>(base_);
  }
  void TearDown() override {
    test::run_ready(loop);
    if (!admin) return;
    for (const auto& name : queues_) admin->delete_queue(name);
    for (const auto& name : exchanges_) admin->delete_exchange(name);
  }

  std::string fresh_queue() { return queues_.emplace_back(test::fresh_name()); }
  std::string fresh_exchange() { return exchanges_.emplace_back(test::fresh_name()); }
  void remove_exchange_at_end(const std::string& name) { exchanges_.push_back(name); }
  std::string url(const std::string& options) const { return base_ + "/?" + options; }
  std::string url_through(const test::ChaosProxy& proxy, const std::string& options) const {
    const Url broker = Url::parse(base_).value();
    return "amqp://" + broker.user + ":" + broker.password + "@127.0.0.1:" + std::to_string(proxy.port()) + "/?" +
           options;
  }
  std::uint16_t port() const { return Url::parse(base_).value().hosts.front().port; }

  Environment environment(std::string dead_letter = {}) {
    Environment environment;
    environment.executor = loop.get_executor();
    environment.serializer = default_registry()->find_serializer("json");
    environment.log = logs.log();
    environment.dead_letter = std::move(dead_letter);
    return environment;
  }

  using Listening = test::OpenListener;
  std::unique_ptr<Listening> listen(const std::string& text, const Routes& routes, std::string dead_letter = {}) {
    auto listening = std::make_unique<Listening>();
    listening->transport = test::transport_of(text);
    listening->listener = listening->transport->make_listener(environment(std::move(dead_letter)));
    test::run_until(loop, listening->listener->open(routes, listening->sink)).value();
    return listening;
  }
  using Connected = test::OpenConnection;
  std::unique_ptr<Connected> connect(const std::string& text) {
    auto connected = std::make_unique<Connected>();
    connected->transport = test::transport_of(text);
    connected->connection = connected->transport->make_connection(environment());
    test::run_until(loop, connected->connection->open(connected->sink)).value();
    return connected;
  }
  static Route event_route(const Pattern& pattern) { return {pattern, false, true}; }
  void send(Connected& from, const Pattern& pattern, const std::string& text, Ticket ticket, Headers properties = {},
            PacketKind kind = PacketKind::event) {
    Packet packet;
    packet.kind = kind;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern = pattern.term();
    packet.route = pattern.route();
    packet.serializer = default_registry()->find_serializer("json");
    packet.properties = std::move(properties);
    const std::string id = "id-" + text;
    if (kind == PacketKind::request) packet.id.text = id;
    Buffer body;
    packet.serializer->encode(ValueRef::of(text), body).value();
    packet.payload = body.borrow();
    from.connection->send(packet, ticket);
  }
  bool wait_for(std::function<bool()> condition) { return test::eventually(loop, std::move(condition)); }
  static std::string text_of(const Delivery& delivery) {
    std::string text;
    delivery.packet.serializer->decode(delivery.packet.payload, ValueOut::of(text)).value();
    return text;
  }
  /// How opening a listener ends.
  Error failure_of(const std::string& text, const std::string& group = {}) {
    const auto broken = test::transport_of(text);
    test::KeepingListenerSink sink;
    Environment with_group = environment();
    with_group.group = group;
    const auto listener = broken->make_listener(std::move(with_group));
    const Routes routes{event_route("x")};
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = test::run_until(loop, listener->open(routes, sink));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    listener->close();
    EXPECT_FALSE(outcome) << text;
    return outcome ? Error("opened") : outcome.error();
  }

  asio::io_context loop{1};
  test::LogCapture logs;
  std::unique_ptr<test::AmqpAdmin> admin;

 private:
  std::string base_;
  std::vector<std::string> queues_, exchanges_;
};

inline void expect_says(const Error& error, errc code, const std::vector<std::string>& words) {
  EXPECT_TRUE(error.code() == code) << error.what();
  EXPECT_EQ(error.end(), End::rejected);
  for (const auto& word : words) EXPECT_NE(error.message().find(word), std::string_view::npos) << error.what();
  EXPECT_EQ(error.message().find('\n'), std::string_view::npos);
}

}  // namespace waybill
