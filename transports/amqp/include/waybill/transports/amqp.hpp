// The amqp transport: queues and exchanges as NestJS uses them, AMQP 0-9-1 on Asio sockets (docs/transports/amqp.md).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace waybill::amqp {

/// What an amqp:// or amqps:// URL says. The names in URLs are those of the members; NestJS's spellings are accepted.
struct Options {
  std::vector<Url::Host> hosts;    ///< Of one cluster; default localhost, port 5672, with TLS 5671.
  std::string user = "guest";      ///< As in every AMQP client.
  std::string password = "guest";  ///< Secret.
  std::string vhost = "/";         ///< The URL's path; empty means "/".

  std::string queue;         ///< Requests and events go here; empty: the broker names it (listeners with an exchange).
  bool durable = true;       ///< The queue survives a restart of the broker.
  bool exclusive = false;    ///< The queue belongs to one link and goes with it; so does one without a name.
  bool auto_delete = false;  ///< The queue goes with its last consumer.
  std::string queue_type;    ///< x-queue-type: classic, quorum or stream; empty: the broker's default.
  std::string dead_letter_exchange;          ///< x-dead-letter-exchange; empty: none.
  std::string dead_letter_routing_key;       ///< x-dead-letter-routing-key; empty: the message's own.
  std::chrono::milliseconds message_ttl{0};  ///< x-message-ttl; 0: none.
  std::chrono::milliseconds expires{0};      ///< x-expires: an unused queue goes after so long; 0: never.
  std::uint64_t max_length = 0;              ///< x-max-length, in messages; 0: none.
  /// x-delivery-limit of a quorum queue; -1: none. Unset: none where `dead_letter` shall get what fails, else the broker's.
  std::optional<std::int32_t> delivery_limit;
  std::uint64_t max_priority = 0;  ///< x-max-priority; 0: none.
  /// URL: arguments.NAME=VALUE. Others of the queue, as x-overflow: `true`, `false` and whole numbers are what they are.
  std::vector<std::pair<std::string, std::string>> arguments;
  bool no_assert = false;  ///< Declares nothing: queue and exchange must be there.

  bool wildcards = false;  ///< Topic mode: routes are bound to an exchange, `*` and `#` are matched by the broker.
  std::string exchange;    ///< Empty: with wildcards the name of the queue, else the broker's default exchange.
  std::string exchange_type = "topic";
  bool exchange_durable = true;
  std::string routing_key;  ///< Bound besides the routes, where there is an exchange.

  std::uint16_t prefetch = 64;       ///< Unacknowledged deliveries of a listener; 0: as many as max_in_flight.
  bool at_most_once = false;         ///< Nothing is acknowledged or confirmed: faster, and a crash loses messages.
  bool persistent_events = true;     ///< Events survive a restart of the broker, in a durable queue.
  bool persistent_requests = false;  ///< Requests, too.
  /// URL: publish_link=own|shared. What a listener publishes goes over a link of its own, which a broker that is short of
  /// memory may block, and not over the one that consumes and acknowledges.
  bool own_publish_link = true;
  bool mandatory = true;  ///< Messages that reach no queue are told to their sender (no_receiver).

  std::chrono::seconds heartbeat{
      5};  ///< Asked for; the broker may want less. 0: none. In URLs a bare number is seconds.
  std::chrono::milliseconds start_timeout{
      4'000};  ///< One open(), all of it: connecting, logging in, declaring, consuming.
  std::chrono::milliseconds caller_check{1'000};  ///< How often callers of long requests are looked after; 0: never.
  std::size_t max_message = 128u << 20;           ///< Bytes of one message that is received.

  bool tls = false;          ///< Also by the scheme amqps.
  bool verify = true;        ///< Check the broker's chain and name.
  std::string ca;            ///< PEM file of trusted authorities; empty: the system's.
  std::string cert;          ///< PEM file: the client's certificate.
  std::string key;           ///< PEM file: its key.
  std::string key_password;  ///< Secret.
  std::string server_name;   ///< The name to verify; empty: the host of the URL.

  /// Messages go through an exchange of their own instead of straight to the queue.
  bool has_exchange() const noexcept { return wildcards || !exchange.empty(); }
  bool is_fanout() const noexcept { return has_exchange() && exchange_type == "fanout"; }
  std::string exchange_name() const { return exchange.empty() && wildcards ? queue : exchange; }

  /// Errors: invalid_config, with every mistake.
  static Result<Options> from_url(const Url& url);
};

/// Errors: invalid_config, with every mistake. `registry` must outlive the transport.
Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry);

}  // namespace waybill::amqp
