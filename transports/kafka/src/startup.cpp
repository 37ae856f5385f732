#include "startup.hpp"

#include "settings.hpp"

namespace waybill::kafka {
namespace {

bool contains(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

/// Traces of something on the port that is no Kafka broker, or that speaks TLS where we do not.
bool is_foreign(std::string_view reason) noexcept {
  return contains(reason, "Invalid response size") || contains(reason, "ApiVersion") ||
         contains(reason, "incorrect security.protocol") || contains(reason, "Receive failed");
}

}  // namespace

StartupTrouble::StartupTrouble(const Options& options)
    : brokers_(broker_list(options)), has_user_(!options.user.empty()) {}

bool StartupTrouble::note(rd_kafka_resp_err_t code, std::string_view reason) {
  if (is_clear_) return true;
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return is_clear_ = code_ != RD_KAFKA_RESP_ERR_NO_ERROR;
  code_ = code;
  reason_ = reason;
  is_clear_ = code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
              code == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL;
  return is_clear_;
}

Error StartupTrouble::error(const Error& fallback) const {
  switch (code_) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return Error(make_code(code_),
                   "the brokers " + brokers_ + " refused the user and password of the URL: " + reason_, End::rejected);
    case RD_KAFKA_RESP_ERR__SSL:
      return Error(make_code(code_),
                   "no TLS connection to " + brokers_ + "; check tls, ca and the name in the URL: " + reason_,
                   End::rejected);
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL: return Error(make_code(code_), reason_, End::rejected);
    default:
      if (is_foreign(reason_)) {
        return Error(errc::refused,
                     "what answers at " + brokers_ + " is no Kafka broker, or wants TLS" +
                         (has_user_ ? "" : " or a user and password") + ": " + reason_,
                     End::rejected);
      }
      return Error(errc::refused, "no Kafka broker can be reached at " + brokers_ + ": " + reason_, End::rejected);
  }
  if (fallback.code() != errc::timeout) return fallback;
  return Error(errc::refused, "no Kafka broker answers at " + brokers_ + " in time", End::rejected);
}

}  // namespace waybill::kafka
