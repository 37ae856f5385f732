// Values of Kafka records: NestJS sends texts, numbers and booleans as their text, objects and arrays as JSON, null as
// a null value. Pure.
//
//   payload (JSON)                      record value
//   "text"                              text
//   15, true                            15, true
//   {"a":1}, [1]                        {"a":1}, [1]
//   null                                (null)
//   {"type":"Buffer","data":[0,1]}      the bytes 0 and 1
// Back: null is null; a first byte of 0 makes bytes; `{` or `[` with valid JSON behind it is JSON; all else is a text.
#pragma once

#include "waybill/format/serializer.hpp"
#include "waybill/transport/packet.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::kafka {

/// The bytes of a value, a key or a header; empty: Kafka's null.
using Bytes = std::optional<std::string_view>;

/// What a payload becomes. Views point into the payload or into `storage`, which moves with it.
struct RecordContent {
  Bytes key;
  Bytes value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::optional<std::int32_t> partition;
  std::optional<std::int64_t> timestamp;  ///< Milliseconds since 1970.
  std::unique_ptr<std::string[]> storage;
};

/// The content for a payload of `json`, a serializer of JSON. An object with a member `key` or `value` is taken for a
/// Kafka message of its own, as NestJS does; its other members are lost.
/// Errors: payload_malformed.
Result<RecordContent> encode_content(const Slice& payload, const Serializer& json);

/// One value, without looking for `key` and `value` in it. `storage` may be used for what is not in the payload as it is.
Result<Bytes> encode_value(const Slice& payload, const Serializer& json, std::string& storage);

/// The JSON payload of a record's value. Owned.
Slice decode_value(Bytes bytes, const Serializer& json);

}  // namespace waybill::kafka
