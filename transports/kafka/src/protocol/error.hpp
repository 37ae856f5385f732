// librdkafka's error codes as an error category that maps to waybill's conditions.
#pragma once

#include "waybill/error.hpp"

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waybill::kafka {

const std::error_category& kafka_category() noexcept;
inline std::error_code make_code(rd_kafka_resp_err_t code) noexcept {
  return {static_cast<int>(code), kafka_category()};
}

/// `what`: what was being done, for people; librdkafka's own text is appended.
Error make_error(rd_kafka_resp_err_t code, const std::string& what, End end);

/// Whether a message whose delivery failed with `code` was surely not taken.
End end_of(rd_kafka_resp_err_t code) noexcept;
/// The same, where librdkafka says besides how far the message came. What it says is nothing worth once the producer has failed
/// for good: then also what was sent before counts as never sent.
End end_of(rd_kafka_resp_err_t code, rd_kafka_msg_status_t status) noexcept;

/// The topic, or the partition, does not exist.
bool is_not_there(rd_kafka_resp_err_t code) noexcept;

struct PlaceName {
  std::string topic;
  std::int32_t partition = 0;
};
/// Which one librdkafka's sentence "TOPIC [PARTITION]: ..." is about; errors of partitions that were deleted come so only.
std::optional<PlaceName> place_in(std::string_view reason);

}  // namespace waybill::kafka
