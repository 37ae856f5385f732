// What the tests of the Redis transport on a real server stand on.
#pragma once

#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/fields.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace waybill::test {

using Service = OpenListener;
using Caller = OpenConnection;

/// A test with prefix of its own.
class Redis : public testing::Test {
 protected:
  void SetUp() override {
    base_ = broker_url("WAYBILL_TEST_REDIS_URL");
    WAYBILL_NEEDS_BROKER(base_, "WAYBILL_TEST_REDIS_URL");
    server_ = Url::parse(base_).value().hosts.front();
  }
  ~Redis() override { run_ready(loop_); }

  std::string url(const std::string& more = "") const { return base_ + "/?prefix=" + prefix_ + more; }
  Environment environment() {
    Environment environment;
    environment.executor = loop_.get_executor();
    environment.serializer = default_registry()->find_serializer("json");
    environment.log = logs_.log();
    environment.max_in_flight = max_in_flight_;
    return environment;
  }
  std::unique_ptr<Service> listen(const std::string& text, const Routes& routes) {
    auto service = std::make_unique<Service>();
    service->transport = transport_of(text);
    service->listener = service->transport->make_listener(environment());
    run_until(loop_, service->listener->open(routes, service->sink)).value();
    return service;
  }
  std::unique_ptr<Caller> connect(const std::string& text) {
    auto caller = std::make_unique<Caller>();
    caller->transport = transport_of(text);
    caller->connection = caller->transport->make_connection(environment());
    run_until(loop_, caller->connection->open(caller->sink)).value();
    return caller;
  }
  /// How both roles say that they cannot open; the same for both.
  Error refusal(const std::string& text) {
    const auto began = std::chrono::steady_clock::now();
    const auto transport = transport_of(text);
    KeepingListenerSink listening;
    const auto listener = transport->make_listener(environment());
    const auto listened = run_until(loop_, listener->open({route("a")}, listening));
    KeepingConnectionSink calling;
    const auto connection = transport->make_connection(environment());
    const auto connected = run_until(loop_, connection->open(calling));
    listener->close();
    connection->close();
    if (listened || connected) return Error(errc::internal, "it opened");
    EXPECT_EQ(listened.error().message(), connected.error().message());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10)) << "two starts, 5 s each";
    EXPECT_EQ(connected.error().message().find("secret"), std::string_view::npos);
    EXPECT_EQ(connected.error().message().find('\n'), std::string_view::npos) << "one sentence";
    return connected.error();
  }
  void send(Caller& from, PacketKind kind, std::string_view route, std::string_view json, Ticket ticket = 0,
            std::string_view id = "id-1") {
    Packet packet;
    packet.kind = kind;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern.text = packet.route = route;
    if (kind == PacketKind::request) packet.id.text = id;
    packet.payload = Slice::copy(json);
    packet.serializer = default_registry()->find_serializer("json");
    from.connection->send(packet, ticket);
  }
  static Route route(const Pattern& pattern) { return Route{pattern, true, true}; }
  static void answer(Delivery&& given, std::string_view json) {
    const Delivery delivery = std::move(given);
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = reply.has_payload = true;
    reply.id = delivery.packet.id;
    reply.payload = Slice::copy(json);
    reply.serializer = delivery.packet.serializer;
    delivery.reply(reply);
  }
  bool wait(const std::function<bool()>& condition) { return eventually(loop_, condition); }

  /// Publishes as any client of Redis may.
  void publish_by_hand(const std::string& channel, const std::string& body) {
    asio::ip::tcp::socket socket(loop_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_.port});
    const auto bulk = [](const std::string& text) {
      return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    };
    asio::write(socket, asio::buffer("*3\r\n" + bulk("PUBLISH") + bulk(prefix_ + channel) + bulk(body)));
    char number[16];
    socket.read_some(asio::buffer(number));
  }

  asio::io_context loop_{1};
  LogCapture logs_;
  std::string base_;
  std::string prefix_ = fresh_name() + ".";
  Url::Host server_;
  std::size_t max_in_flight_ = 1024;
};

}  // namespace waybill::test
