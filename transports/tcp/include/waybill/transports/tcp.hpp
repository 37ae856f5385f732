// The tcp transport: NestJS framing and waybill's binary framing on one port (docs/transports/tcp.md).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace waybill::tcp {

enum class Framing {
  automatic,  ///< nest if the serializer is a JSON one, else binary.
  nest,       ///< `<length>#<json>`, what NestJS speaks.
  binary,     ///< waybill's own, for any serializer.
};

/// What a tcp:// or tcps:// URL says. The names in URLs are those of the members; NestJS's spellings are accepted.
struct Options {
  std::vector<Url::Host> hosts;  ///< Client: tried in random order. Listener: all are bound. Default localhost:3000.
  Framing framing = Framing::automatic;  ///< Of a client; a listener answers in the framing that its client chose.

  std::chrono::milliseconds dial_timeout{10'000};       ///< One open(): lookup, connecting and TLS, all addresses.
  std::chrono::milliseconds handshake_timeout{10'000};  ///< TLS handshake of an accepted connection.
  /// No byte for that long within a frame ends the connection (NestJS: incompleteMessageTimeout). 0: never.
  std::chrono::milliseconds incomplete_message_timeout{30'000};
  /// A frame that is not whole after that long ends the connection, however its bytes drip. 0: never.
  std::chrono::milliseconds frame_timeout{60'000};
  /// A peer that takes nothing of what waits for it for that long loses its connection. 0: never.
  std::chrono::milliseconds write_timeout{60'000};

  /// Listener: what waits for a peer may not wait longer, however steadily it takes its bytes. 0: never.
  std::chrono::milliseconds unsent_timeout{120'000};
  /// What was sent is not acknowledged by the other side's system for that long: it has vanished. 0: never.
  std::chrono::milliseconds ack_timeout{20'000};
  std::chrono::milliseconds keepalive{15'000};  ///< Of silence, then the system asks for the other side. 0: never.
  std::chrono::milliseconds keepalive_interval{5'000};  ///< Between two such questions.
  std::size_t keepalive_probes = 3;                     ///< As many without an answer: it has vanished.
  /// Client, binary framing: the service is asked so often for a sign of life. 0: never.
  std::chrono::milliseconds ping_interval{10'000};
  std::chrono::milliseconds ping_timeout{10'000};  ///< Such a question without an answer: the service stands still.
  /// Listener: a client that says nothing for that long after it has connected is ended. 0: never.
  std::chrono::milliseconds first_message_timeout{0};

  std::size_t max_frame = 16u << 20;           ///< Bytes of one frame, either way.
  std::size_t max_buffer = 134'217'728;        ///< UTF-16 units that wait unread (NestJS: maxBufferSize). nest only.
  std::size_t max_unsent = 32u << 20;          ///< Bytes that a peer has not taken; beyond it the connection ends.
  std::size_t max_in_hand = 32u << 20;         ///< Listener: bytes of a client's requests that handlers have.
  std::size_t max_total_buffers = 512u << 20;  ///< Bytes that the process holds for all of its peers.
  std::size_t max_connections = 10'000;        ///< Of a listener's loop; further ones are closed at once.
  std::size_t max_connections_per_address = 5'000;
  int backlog = 1024;
  bool reuse_port = false;  ///< SO_REUSEPORT: several loops accept on one port.
  bool tell_cancel = true;  ///< Client: a service is told of requests that nobody waits for any more.

  bool tls = false;          ///< Also by the scheme tcps.
  bool verify = true;        ///< Client: check the server's chain and name.
  std::string ca;            ///< Client: PEM file of trusted authorities; empty: the system's.
  std::string cert;          ///< PEM file: the listener's chain, or the client's for mutual TLS.
  std::string key;           ///< PEM file: the key of cert.
  std::string key_password;  ///< Secret.
  std::string client_ca;     ///< Listener: clients must show a certificate of these authorities.
  std::string server_name;   ///< Client: the name to verify, if not the URL's host.

  /// Errors: invalid_config, with every mistake.
  static Result<Options> from_url(const Url& url);
};

/// Errors: invalid_config, with every mistake. `registry` must outlive the transport.
Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry);

}  // namespace waybill::tcp
