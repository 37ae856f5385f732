// What tests of the tcp transport stand on: a registry, a listener that echoes, raw sockets and certificates.
#pragma once

#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transports/tcp.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace waybill::test {

/// A listener whose sink answers each request with its payload, as one last value.
class TcpRig {
 public:
  TcpRig() {
    registry.add_serializer(json::make_json_serializer());
    sink.on_each = [this](Delivery&& delivery) {
      if (delivery.packet.kind != PacketKind::request) return;
      if (keep) {
        delivery.own();
        sink.deliveries.push_back(std::move(delivery));
        return;
      }
      echo(delivery);
    };
  }
  ~TcpRig() {
    if (connection) connection->close();
    sink.deliveries.clear();
    if (listener) listener->close();
    run_ready(loop);
  }

  static void echo(Delivery& delivery) {
    Packet reply;
    reply.kind = PacketKind::value;
    reply.last = true;
    reply.has_payload = delivery.packet.has_payload;
    reply.payload = delivery.packet.payload;
    reply.serializer = delivery.packet.serializer;
    reply.id = delivery.packet.id;
    if (!reply.has_payload) reply.kind = PacketKind::end;
    delivery.reply(reply);
    delivery.settle(Settlement::ack);
  }

  Environment environment() {
    Environment env;
    env.executor = loop.get_executor();
    env.serializer = &registry.default_serializer();
    env.max_in_flight = max_in_flight;
    env.log = logs.log();
    return env;
  }
  std::unique_ptr<Transport> transport(const std::string& url) {
    auto parsed = Url::parse(url);
    auto made = registry_transport(parsed.value());
    return std::move(made).value();
  }
  Result<std::unique_ptr<Transport>> registry_transport(const Url& url) { return tcp::make_transport(url, registry); }

  /// Listens on a free port of 127.0.0.1.
  void listen(const std::string& options = "", const std::string& scheme = "tcp") {
    listening = transport(scheme + "://127.0.0.1:0?" + options);
    listener = listening->make_listener(environment());
    const Result<void> opened = run_until(loop, listener->open({}, sink));
    ASSERT_TRUE(opened) << opened.error().what();
    const std::string address = listener->address();
    port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  /// Opens a client connection; its URL goes to the listener unless `hosts` says otherwise.
  Result<void> connect(const std::string& options = "", const std::string& scheme = "tcp", std::string hosts = {}) {
    if (hosts.empty()) hosts = "127.0.0.1:" + std::to_string(port);
    calling = transport(scheme + "://" + hosts + "?" + options);
    connection = calling->make_connection(environment());
    return run_until(loop, connection->open(replies));
  }
  Packet request(std::string_view id, std::string_view json) {
    Packet packet;
    packet.kind = PacketKind::request;
    packet.has_pattern = packet.has_payload = true;
    packet.pattern = {"echo", false};
    packet.route = "echo";
    packet.id = {id, false};
    packet.serializer = &registry.default_serializer();
    packet.payload = Slice::copy(json);
    return packet;
  }

  asio::ip::tcp::socket raw() {
    asio::ip::tcp::socket socket(loop);
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.non_blocking(true);
    return socket;
  }
  /// Writes and then reads until `enough` says so or the other side ends; `ended` tells which.
  std::string talk(asio::ip::tcp::socket& socket, std::string_view bytes,
                   const std::function<bool(const std::string&)>& enough, bool* ended = nullptr) {
    std::string got;
    bool over = false;
    std::size_t sent = 0;
    eventually(loop, [&] {
      asio::error_code ec;
      if (sent < bytes.size()) sent += socket.write_some(asio::buffer(bytes.substr(sent)), ec);
      char room[65536];
      const std::size_t count = socket.read_some(asio::buffer(room), ec);
      got.append(room, count);
      if (ec && ec != asio::error::would_block) over = true;
      return over || enough(got);
    });
    if (ended) *ended = over;
    return got;
  }

  asio::io_context loop{1};
  LogCapture logs;
  Registry registry;
  KeepingListenerSink sink;
  KeepingConnectionSink replies;
  std::unique_ptr<Transport> listening, calling;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connection> connection;
  std::size_t max_in_flight = 1024;
  std::uint16_t port = 0;
  bool keep = false;  ///< Requests stay in sink.deliveries.
};

/// "40#{...}" around a JSON text without characters beyond ASCII.
inline std::string framed(const std::string& json) { return std::to_string(json.size()) + "#" + json; }

}  // namespace waybill::test
