// ServerConfig: where an HTTP server listens, and its bounds.
#pragma once

#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::http {

/// Which pages of other origins may read responses (Fetch Standard, CORS). Without origins: none.
struct Cors {
  std::vector<std::string> origins;  ///< "https://shop.example"; "*": all.
  std::string headers = "*";         ///< That their requests may have; "*": those that they ask for.
  bool credentials = false;          ///< Cookies and certificates go along. Not with "*".
  std::chrono::seconds max_age{600};
};

/// A plain value. Sizes in bytes.
struct ServerConfig {
  Url url;  ///< As it was given, for errors.
  std::vector<Url::Host> hosts;
  bool tls = false;
  bool verify = true;  ///< Means nothing here: an option of clients.
  std::string ca;
  std::string cert;
  std::string key;
  std::string key_password;
  std::string client_ca;
  std::string server_name;
  std::size_t max_head = 32u << 10;  ///< Beyond it 431.
  std::size_t max_body = 1u << 20;   ///< Beyond it 413.
  std::size_t max_unsent = 128u << 20;
  std::size_t max_connections = 10'000;
  std::size_t max_connections_per_address = 10'000;
  int backlog = 1024;
  std::chrono::milliseconds timeout{30'000};            ///< Of a request, where its route says nothing: 504.
  std::chrono::milliseconds idle_timeout{75'000};       ///< A connection without a request ends.
  std::chrono::milliseconds head_timeout{10'000};       ///< From the first byte of a request to the end of its head.
  std::chrono::milliseconds body_timeout{60'000};       ///< From there to the end of its body.
  std::chrono::milliseconds write_timeout{30'000};      ///< A caller that reads nothing for so long is left.
  std::chrono::milliseconds handshake_timeout{10'000};  ///< Of TLS.
  /// Each request is a step of its caller's trace, else of a new one, of which so many are sampled, from 0 to 1. Empty: the
  /// caller's goes along as it came.
  std::optional<double> trace;
  Cors cors;
  bool openapi = true;  ///< `/openapi.json` and `/docs` (of an Application).
  std::string title;    ///< In them; empty: the configuration's `name`, or "HTTP API".
  std::string version;  ///< The same; empty: the configuration's, or "1.0.0".
  std::string origin;   ///< Where it was written, for errors: "shop.yaml:3". May be empty.

  /// "127.0.0.1:8101", ":8101" (all addresses), "https://0.0.0.0:8443?cert=a.pem&key=a.key". Throws Error(invalid_config)
  /// with every mistake.
  static ServerConfig from_url(std::string_view url);
  static Result<ServerConfig> read(const Url& url);
};

}  // namespace waybill::http
