// librdkafka's error codes as an error category that maps to waybill's conditions.
#pragma once

#include "waybill/error.hpp"

#include <librdkafka/rdkafka.h>

#include <string>

namespace waybill::kafka {

const std::error_category& kafka_category() noexcept;
inline std::error_code make_code(rd_kafka_resp_err_t code) noexcept {
  return {static_cast<int>(code), kafka_category()};
}

/// `what`: what was being done, for people; librdkafka's own text is appended.
Error make_error(rd_kafka_resp_err_t code, const std::string& what, End end);

/// Whether a message whose delivery failed with `code` was surely not taken.
End end_of(rd_kafka_resp_err_t code) noexcept;

}  // namespace waybill::kafka
