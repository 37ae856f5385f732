// A broker with listeners and connections at their own level, for the memory transport's tests. Payloads are bytes that
// no serializer looks at.
#pragma once

#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "waybill/transports/memory.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace waybill::memory {

struct Server {
  test::KeepingListenerSink sink;
  std::unique_ptr<waybill::Listener> role;
  ~Server() {
    role->close();
    sink.deliveries.clear();
  }
};

struct Peer {
  test::KeepingConnectionSink sink;
  std::unique_ptr<waybill::Connection> role;
  ~Peer() { role->close(); }
};

class MemoryRig {
 public:
  explicit MemoryRig(BrokerOptions options = {}) : broker(Broker::make(std::move(options))) {
    registry.add_transport("memory", broker->factory());
    transport = registry.make_transport(Url::parse("memory://test").value()).value();
  }

  static Routes routes(const Pattern& pattern) { return {Route{pattern, true, true}}; }

  std::unique_ptr<Server> serve(const Pattern& pattern, std::string group = {}, std::size_t max_in_flight = 16) {
    auto server = std::make_unique<Server>();
    Environment environment;
    environment.executor = loop.get_executor();
    environment.group = std::move(group);
    environment.max_in_flight = max_in_flight;
    server->role = transport->make_listener(std::move(environment));
    test::run_until(loop, server->role->open(routes(pattern), server->sink)).value();
    return server;
  }
  std::unique_ptr<Peer> connect() {
    auto peer = std::make_unique<Peer>();
    Environment environment;
    environment.executor = loop.get_executor();
    peer->role = transport->make_connection(std::move(environment));
    test::run_until(loop, peer->role->open(peer->sink)).value();
    return peer;
  }

  static void send(Peer& peer, PacketKind kind, std::string_view route, std::string_view text, std::string_view id = {},
                   Ticket ticket = 1) {
    Packet packet;
    packet.kind = kind;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern.text = packet.route = route;
    packet.id.text = id;
    packet.payload = Slice::copy(text);
    peer.role->send(packet, ticket);
  }
  static void emit(Peer& peer, std::string_view route, std::string_view text) {
    send(peer, PacketKind::event, route, text);
  }
  static void ask(Peer& peer, std::string_view route, std::string_view text, std::string_view id) {
    send(peer, PacketKind::request, route, text, id);
  }
  static void reply(const Delivery& delivery, std::string_view text, bool last = true) {
    Packet packet;
    packet.kind = PacketKind::value;
    packet.last = last;
    packet.has_payload = true;
    packet.payload = Slice::copy(text);
    delivery.reply(packet);
  }
  static void answer(Delivery&& delivery, std::string_view text) {
    Delivery mine = std::move(delivery);
    reply(mine, text);
    mine.settle(Settlement::ack);
  }
  /// Everything in memory happens at once: after this nothing is under way but what a fault holds back.
  void run() { test::run_ready(loop); }
  /// The texts of all deliveries of a server, in order; they are acknowledged.
  static std::vector<std::string> take_texts(Server& server) {
    std::vector<std::string> texts;
    while (!server.sink.deliveries.empty()) {
      auto delivery = server.sink.take();
      texts.emplace_back(delivery.packet.payload.view());
      delivery.settle(Settlement::ack);
    }
    return texts;
  }
  static std::vector<std::string> reply_texts(const Peer& peer) {
    std::vector<std::string> texts;
    for (const auto& packet : peer.sink.replies) texts.emplace_back(packet.payload.view());
    return texts;
  }

  asio::io_context loop{1};
  std::shared_ptr<Broker> broker;
  Registry registry;
  std::unique_ptr<Transport> transport;
};

using Texts = std::vector<std::string>;

}  // namespace waybill::memory
