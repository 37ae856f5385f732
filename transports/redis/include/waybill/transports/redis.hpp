// The redis transport: pub/sub channels as NestJS names them, on hiredis's reader (docs/transports/redis.md).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace waybill::redis {

/// What a redis:// or rediss:// URL says. The names in URLs are those of the members; NestJS's spellings are accepted.
struct Options {
  std::vector<Url::Host> hosts;  ///< Tried in their order until one is the primary. Default localhost:6379.
  std::string user;              ///< Empty: the default user.
  std::string password;          ///< Secret; empty, and no user: no AUTH.

  std::string prefix;      ///< Goes before the names of all channels: several worlds on one server.
  bool wildcards = false;  ///< Listener: every pattern is one of Redis's globs, as NestJS's option says.
  bool receivers = true;   ///< PUBLISH's count of receivers is believed. Off for Redis Cluster, where it is partial.

  std::chrono::milliseconds start_timeout{4'000};   ///< One open(): both connections, TLS, AUTH, subscriptions.
  std::chrono::milliseconds ping_interval{10'000};  ///< Each connection is asked so often. 0: never.
  std::chrono::milliseconds ping_timeout{5'000};    ///< Without any answer after that it is given up.

  std::size_t max_message = 16u << 20;     ///< Bytes of one message, either way.
  std::size_t max_in_hand = 32u << 20;     ///< Listener: bytes of the messages that handlers have.
  std::size_t max_queue = 16u << 20;       ///< Listener: bytes that wait for handlers; beyond it messages are dropped.
  std::size_t max_unsent = 32u << 20;      ///< Listener: bytes of replies that the server has not taken.
  std::size_t max_reply_channels = 1'024;  ///< Client: reply channels that stay subscribed while nobody waits on them.

  bool tls = false;          ///< Also by the scheme rediss.
  bool verify = true;        ///< Check the server's chain and name.
  std::string ca;            ///< PEM file of trusted authorities; empty: the system's.
  std::string cert;          ///< PEM file: the client's certificate.
  std::string key;           ///< PEM file: its key.
  std::string key_password;  ///< Secret.
  std::string server_name;   ///< The name to verify, if not the URL's host.

  /// Errors: invalid_config, with every mistake.
  static Result<Options> from_url(const Url& url);
};

/// Errors: invalid_config, with every mistake. `registry` must outlive the transport.
Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry);

}  // namespace waybill::redis
