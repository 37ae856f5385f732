// The kafka transport: topics as NestJS names them, on librdkafka (docs/transports/kafka.md).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/result.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace waybill::kafka {

/// What a kafka:// or kafkas:// URL says. The names in URLs are those of the members; NestJS's spellings are accepted.
struct Options {
  std::vector<Url::Host> hosts;     ///< Brokers to begin with; the others are learnt from them. Default localhost:9092.
  std::string user;                 ///< SASL; empty: none.
  std::string password;             ///< Secret.
  std::string mechanism = "PLAIN";  ///< SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.

  std::string group_id = "nestjs-group";  ///< Listener: its consumer group, before the postfix. `group` goes before.
  std::string client_id = "nestjs-consumer";  ///< Before the postfix.
  bool postfix = true;                        ///< Appends -server or -client to both names, as NestJS does.
  std::string prefix;  ///< Goes before the names of all topics and groups: several worlds on one broker.

  bool from_beginning = false;  ///< A group that is new starts with the oldest message instead of behind the newest.
  bool create_topics = true;    ///< Missing topics are created; false: they are an error that names the topic.
  int partitions = -1;          ///< Of created topics; -1: the broker's default.
  int replication = -1;         ///< Of created topics; -1: the broker's default.
  int reply_partition = 0;      ///< Client: which partition of the reply topics it reads. NestJS creates one.

  std::chrono::milliseconds start_timeout{4'000};  ///< One open(): reaching a broker, topics, joining the group.
  std::chrono::milliseconds join_timeout{15'000};  ///< Of that, what joining the group may take once topics are there.
  std::chrono::milliseconds send_timeout{
      30'000};  ///< Until the broker must have confirmed a message, outages included.
  std::chrono::milliseconds session_timeout{6'000};  ///< A member of a group that is silent so long is given up.
  std::chrono::milliseconds ping_interval{10'000};   ///< How often a broker is asked for a sign of life; 0: never.
  std::chrono::milliseconds ping_timeout{5'000};     ///< Two questions without an answer in this time: none is there.
  std::chrono::milliseconds revoke_timeout{
      3'000};  ///< When the group shares out anew: until what is in hand must be finished.
  std::chrono::milliseconds retry_backoff{
      5};  ///< Before a message that was given back comes again; doubles, at most 1 s.
  std::chrono::milliseconds discovery{5'000};  ///< How often listeners look for new topics that their wildcards match.
  std::chrono::milliseconds statistics{0};     ///< How often librdkafka's statistics are told (metrics_to); 0: never.
  std::size_t max_message = 1'048'588;         ///< Bytes of one record that is sent.
  std::size_t max_unsent = 128u << 20;         ///< Bytes that wait for the broker's confirmation.
  std::size_t max_in_hand = 64u << 20;         ///< Listener: bytes of the records that handlers have, or may have next.

  bool tls = false;          ///< Also by the scheme kafkas.
  bool verify = true;        ///< Check the brokers' chains and names.
  std::string ca;            ///< PEM file of trusted authorities; empty: the system's.
  std::string cert;          ///< PEM file: the client's certificate.
  std::string key;           ///< PEM file: its key.
  std::string key_password;  ///< Secret.

  /// rdkafka.NAME=VALUE in the URL: passed to librdkafka as they are, after ours.
  std::vector<std::pair<std::string, std::string>> native;

  /// Errors: invalid_config, with every mistake.
  static Result<Options> from_url(const Url& url);
};

/// Errors: invalid_config, with every mistake. `registry` must outlive the transport.
Result<std::unique_ptr<Transport>> make_transport(const Url& url, const Registry& registry);

}  // namespace waybill::kafka
