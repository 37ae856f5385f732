#include "protocol/error.hpp"

#include <charconv>

namespace waybill::kafka {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "kafka"; }
  std::string message(int code) const override { return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)); }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<rd_kafka_resp_err_t>(code)) {
      case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return make_error_condition(errc::unauthorized);
      case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      case RD_KAFKA_RESP_ERR__TIMED_OUT:
      case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
      case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: return make_error_condition(errc::timeout);
      case RD_KAFKA_RESP_ERR__TRANSPORT:
      case RD_KAFKA_RESP_ERR__PURGE_QUEUE:  // its producer has failed
      case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: return make_error_condition(errc::connection_lost);
      case RD_KAFKA_RESP_ERR__RESOLVE:
      case RD_KAFKA_RESP_ERR__SSL:
      case RD_KAFKA_RESP_ERR__BAD_MSG: return make_error_condition(errc::refused);
      case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return make_error_condition(errc::too_large);
      case RD_KAFKA_RESP_ERR__QUEUE_FULL: return make_error_condition(errc::overloaded);
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL: return make_error_condition(errc::invalid_config);
      case RD_KAFKA_RESP_ERR__DESTROY: return make_error_condition(errc::closed);
      default: return {code, *this};
    }
  }
};

}  // namespace

const std::error_category& kafka_category() noexcept {
  static const Category category;
  return category;
}

Error make_error(rd_kafka_resp_err_t code, const std::string& what, End end) {
  return Error(make_code(code), what + ": " + rd_kafka_err2str(code), end);
}

bool is_not_there(rd_kafka_resp_err_t code) noexcept {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

std::optional<PlaceName> place_in(std::string_view reason) {
  const std::size_t end = reason.find("]: ");
  const std::size_t begin = reason.substr(0, end).rfind(" [");
  if (end == std::string_view::npos || begin == std::string_view::npos) return std::nullopt;
  PlaceName place{std::string(reason.substr(0, begin)), 0};
  const char* const last = reason.data() + end;
  const auto read = std::from_chars(reason.data() + begin + 2, last, place.partition);
  if (read.ec != std::errc() || read.ptr != last) return std::nullopt;
  return place;
}

End end_of(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE: return End::rejected;
    default: return End::unknown;
  }
}

End end_of(rd_kafka_resp_err_t code, rd_kafka_msg_status_t status) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:  // it may have been sent, and waited to be sent again
      return status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED ? End::rejected : End::unknown;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__INCONSISTENT:
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH: return End::unknown;
    default: return status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED ? End::rejected : end_of(code);
  }
}

}  // namespace waybill::kafka
