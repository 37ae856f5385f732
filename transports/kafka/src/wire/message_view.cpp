#include "wire/message_view.hpp"

namespace waybill::kafka {
namespace {

Bytes make_bytes(const void* data, std::size_t size) noexcept {
  if (!data) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

Bytes header_of(const rd_kafka_message_t& message, const char* name) noexcept {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return make_bytes(value, size);
}

IncomingRecord view_of(const rd_kafka_message_t& message) {
  IncomingRecord record;
  record.topic = rd_kafka_topic_name(message.rkt);
  record.partition = message.partition;
  record.offset = message.offset;
  record.key = make_bytes(message.key, message.key_len);
  record.value = make_bytes(message.payload, message.len);
  rd_kafka_timestamp_type_t kind;
  record.timestamp = rd_kafka_message_timestamp(&message, &kind);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  record.headers.reserve(rd_kafka_header_cnt(headers));
  for (std::size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); ++i) {
    record.headers.emplace_back(name, make_bytes(value, size));
  }
  return record;
}

}  // namespace waybill::kafka
