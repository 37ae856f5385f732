// Sinks that remember what a listener or a connection told them, and the two roles with them.
#pragma once

#include "waybill/transport/transport.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace waybill::test {

/// Keeps what a listener delivers, unless the test takes it with `on_each`.
class KeepingListenerSink final : public ListenerSink {
 public:
  void on_delivery(Delivery&& delivery) override {
    ++delivered;
    if (on_each) return on_each(std::move(delivery));
    delivery.own();
    deliveries.push_back(std::move(delivery));
  }
  void on_lost(const Error& error) override { lost.push_back(error); }

  /// Removes and returns the oldest. REQUIRES: there is one.
  Delivery take() {
    Delivery first = std::move(deliveries.front());
    deliveries.pop_front();
    return first;
  }

  std::function<void(Delivery&&)> on_each;
  std::deque<Delivery> deliveries;  ///< Owned.
  std::vector<Error> lost;
  std::size_t delivered = 0;  ///< Ever.
};

class KeepingConnectionSink final : public ConnectionSink {
 public:
  void on_reply(const Packet& packet) override { replies.push_back(packet.own()); }
  void on_sent(Ticket ticket, Result<Accepted> outcome) override { sent.emplace(ticket, std::move(outcome)); }
  void on_lost(const Error& error) override { lost.push_back(error); }

  std::vector<Packet> replies;  ///< Owned.
  std::multimap<Ticket, Result<Accepted>> sent;
  std::vector<Error> lost;
};

/// A listener with its sink and all it needs; closed at the end.
struct OpenListener {
  std::unique_ptr<Transport> transport;
  KeepingListenerSink sink;
  std::unique_ptr<Listener> listener;

  ~OpenListener() {
    if (listener) listener->close();
    sink.deliveries.clear();
  }
  Delivery take() { return sink.take(); }
};

/// The same for a connection.
struct OpenConnection {
  std::unique_ptr<Transport> transport;
  KeepingConnectionSink sink;
  std::unique_ptr<Connection> connection;

  ~OpenConnection() {
    if (connection) connection->close();
  }
};

}  // namespace waybill::test
