// Packet <-> record, as NestJS has them. Pure: no broker, no librdkafka.
//
//              headers, in this order                                                          value
//   request    [own], kafka_correlationId, kafka_replyTopic, kafka_replyPartition (text)       encoded data
//   event      [own]                                                                           encoded data
//   value      [own], kafka_correlationId, if last: kafka_nest-is-disposed (one byte 0)        encoded value
//   error      [own], kafka_correlationId, kafka_nest-err, kafka_nest-is-disposed              null
//   no handler [own], kafka_correlationId, kafka_nest-err (text)                               null
//   end        [own], kafka_correlationId, kafka_nest-is-disposed                              null
// Payloads of JSON go as value.hpp says. Of other serializers the value is the payload's bytes, and a header
// `waybill-serializer` names the format. To waybill's own clients an end without a value carries `waybill-end`,
// because NestJS's cannot be told from a null.
#pragma once

#include "waybill/registry.hpp"
#include "waybill/transport/packet.hpp"
#include "wire/value.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill::kafka {

inline constexpr std::string_view k_correlation_id = "kafka_correlationId";
inline constexpr std::string_view k_reply_topic = "kafka_replyTopic";
inline constexpr std::string_view k_reply_partition = "kafka_replyPartition";
inline constexpr std::string_view k_error = "kafka_nest-err";
inline constexpr std::string_view k_disposed = "kafka_nest-is-disposed";
inline constexpr std::string_view k_serializer = "waybill-serializer";
inline constexpr std::string_view k_end = "waybill-end";

inline constexpr std::int32_t k_any_partition = -1;

using RecordHeader = std::pair<std::string_view, Bytes>;

/// What is sent; views are valid as long as the packet, the address and this object are.
struct OutgoingRecord {
  RecordContent content;
  std::vector<RecordHeader> headers;
  std::int32_t partition = k_any_partition;  ///< Any: by the key, or in turn.
};

/// What was received; borrowed.
struct IncomingRecord {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  Bytes key;
  Bytes value;
  std::vector<RecordHeader> headers;
  std::int64_t timestamp = -1;  ///< Milliseconds since 1970; negative: unknown.

  const RecordHeader* find(std::string_view name) const noexcept;  ///< The last of that name, or null.
};

/// Where replies to a request go.
struct ReplyAddress {
  std::string topic;
  std::int32_t partition = k_any_partition;
  bool is_waybill = false;  ///< The caller is one of ours: it understands waybill's own headers.

  /// The address in one text, for Delivery::reply_to: `topic/`, the partition if it is known, `/w` if is_waybill.
  std::string text() const;
  static ReplyAddress from_text(std::string_view text);
};

/// `id`: the correlation id that is sent; `partition_text`: what `kafka_replyPartition` gets.
/// Errors: payload_malformed, invalid_config (property `partition`).
Result<OutgoingRecord> compose_request(const Packet& packet, std::string_view id, std::string_view reply_topic,
                                       std::string_view partition_text);
Result<OutgoingRecord> compose_event(const Packet& packet);
Result<OutgoingRecord> compose_reply(const Packet& packet, const ReplyAddress& to);

/// What compose_dead() adds to a record at most.
inline constexpr std::size_t k_most_death = 8'192;
inline constexpr std::size_t k_most_error_text = 4'096;

/// A record for the dead-letter topic: the one that was given up as it came, with the headers that tell of its end. The
/// error is cut to k_most_error_text bytes.
OutgoingRecord compose_dead(const IncomingRecord& record, std::string_view error, int attempts);
/// The record of a dead letter without those headers, to be sent once more.
OutgoingRecord compose_replay(const IncomingRecord& record);

/// How payloads without `waybill-serializer` are read, and where those that have it find theirs.
struct Formats {
  const Serializer* plain = nullptr;   ///< A lenient json, or what there is.
  const Serializer* strict = nullptr;  ///< The same without leniency, for errors.
  const Registry* registry = nullptr;

  static Formats of(const Serializer& own, const Registry& registry);
  /// Null when the record names a format that is not there.
  const Serializer* of_record(const IncomingRecord& record) const noexcept;
};

/// A request if both correlation id and reply topic are there and `may_be_request`; else an event. Views of the packet
/// point into the record; its payload is owned.
/// Errors: payload_malformed (an unknown format).
Result<Packet> parse_delivery(const IncomingRecord& record, const Formats& formats, bool may_be_request,
                              ReplyAddress& reply_to);

/// A reply packet. A closing null is a last value, as it is to NestJS's clients, unless a service of ours says that it is
/// the end only.
/// Errors: payload_malformed.
Result<Packet> parse_reply(const IncomingRecord& record, const Formats& formats);

/// How far the clocks of machines may be apart.
inline constexpr std::int64_t k_clock_tolerance = 5'000;
/// Nobody waits for the answer any more: more than the time that the caller gave has passed since it was sent. `now`:
/// milliseconds since 1970.
bool is_stale(const IncomingRecord& record, std::int64_t now) noexcept;

/// Which delivery of the message this is, by its header; 1 if it does not say.
int attempt_of(const IncomingRecord& record) noexcept;

}  // namespace waybill::kafka
