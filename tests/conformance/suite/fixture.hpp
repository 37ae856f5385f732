// What the suite's tests stand on: a loop, a stage, the two roles of the contract with sinks that remember, and services
// and clients of the public API.
#pragma once

#include "conformance.hpp"
#include "outcome.hpp"
#include "support/eventually.hpp"
#include "support/keeping_sinks.hpp"
#include "support/log_capture.hpp"
#include "support/not_applicable.hpp"
#include "waybill/service.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::conformance {

using test::KeepingConnectionSink;
using test::KeepingListenerSink;
using test::OpenConnection;
using test::OpenListener;

class TransportConformance : public testing::TestWithParam<Subject> {
 protected:
  TransportConformance();
  ~TransportConformance() override;
  void SetUp() override;

  // The contract, at its own level.
  struct ListenOptions {
    std::string group{};
    std::size_t max_in_flight = 1024;
    std::string dead_letter{};
  };
  std::unique_ptr<OpenListener> listen(const Routes& routes) { return listen(routes, ListenOptions()); }
  std::unique_ptr<OpenListener> listen(const Routes& routes, const ListenOptions& options);
  /// As listen(), and tells how open() ended instead of failing the test.
  Result<void> try_listen(const Routes& routes);
  std::unique_ptr<OpenConnection> connect(const std::string& address);
  std::unique_ptr<OpenConnection> connect(const OpenListener& listener) {
    return connect(listener.listener->address());
  }
  std::unique_ptr<Transport> make_transport(const std::string& url);
  /// The stage's dead letters, once there are `count` of them.
  std::vector<DeadLetter> wait_for_dead_letters(std::size_t count);
  std::unique_ptr<DeadLetterBox> open_dead_letters();
  Environment environment(const ListenOptions& options);

  /// Requests ask to be told of failures only, with ticket k_request_ticket.
  static constexpr Ticket k_request_ticket = k_failure_only | 1;
  void send_request(OpenConnection& from, const Pattern& pattern, std::string_view id, std::string_view text);
  void send_event(OpenConnection& from, const Pattern& pattern, std::string_view text, Ticket ticket = 0);
  /// Parks it, waits until it is in its place, and acknowledges it.
  void park(Delivery& delivery);
  /// Sends an event for each text, and parks them when all have arrived.
  void send_and_park(OpenListener& to, OpenConnection& from, const Pattern& pattern,
                     std::initializer_list<const char*> texts);
  /// Answers a delivery with one last value and settles it.
  void answer(Delivery&& delivery, std::string_view text);
  Packet reply_packet(const Delivery& delivery, PacketKind kind, const Slice& payload, bool last = false) const;

  Slice encode(std::string_view text) const;
  std::string decode(const Packet& packet) const;
  /// Of the deliveries in hand: in their order where the transport keeps one, else sorted.
  std::vector<std::string> texts_of(const OpenListener& listener);

  const Capabilities& capabilities();
  template <class T>
  bool wait_for(const Outcome<T>& outcome) {
    return test::eventually(loop, [&outcome] { return outcome->has_value(); });
  }
  bool wait_for(std::function<bool()> condition) { return test::eventually(loop, std::move(condition)); }
  /// Lets everything happen that could happen now, through a real network too: sends something else after it and waits
  /// for that. For "this must not come".
  void settle_down(OpenListener& to, OpenConnection& from, const Pattern& marker);

  // The public API, on the same loop.
  struct ServeOptions {
    std::string group{};
    std::size_t max_in_flight = 1024;
    DeliveryPolicy delivery{};
    unsigned handler_threads = 0;
  };
  std::unique_ptr<Service> make_service() { return make_service(ServeOptions()); }
  std::unique_ptr<Service> make_service(const ServeOptions& options);
  Result<void> try_start(Service& service);
  void start(Service& service) { try_start(service).value(); }
  std::unique_ptr<Client> make_client(const Service& service);
  ClientConfig client_config(const Service& service);

  asio::io_context loop{1};
  test::LogCapture logs;
  std::unique_ptr<Stage> stage;
  std::shared_ptr<const Registry> registry;
  const Serializer* serializer = nullptr;

 private:
  std::unique_ptr<Transport> described_;
};

/// Leaves a test whose subject does not declare what it is about.
#define WAYBILL_CONFORMANCE_NEEDS(condition) \
  if (!(condition)) WAYBILL_NOT_APPLICABLE("not declared by this transport: " #condition)

Route request_route(const Pattern& pattern);
Route event_route(const Pattern& pattern);
Route both_route(const Pattern& pattern);

}  // namespace waybill::conformance
