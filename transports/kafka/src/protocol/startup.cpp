#include "protocol/startup.hpp"

#include "waybill/transports/socket/dial.hpp"

namespace waybill::kafka {
namespace {

bool contains(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

/// Traces of something on the port that is no Kafka broker, or that speaks TLS where we do not.
bool may_be_foreign(std::string_view reason) noexcept {
  return contains(reason, "ApiVersion") || contains(reason, "incorrect security.protocol") ||
         contains(reason, "Receive failed");
}

/// Without librdkafka's timing and advice about its own settings.
std::string_view without_details(std::string_view reason) noexcept {
  for (const std::string_view detail :
       {" (after ", ": broker certificate could not", ": verify that security.protocol"})
    reason = reason.substr(0, reason.find(detail));
  return reason;
}

bool is_missing_right(rd_kafka_resp_err_t code) noexcept {
  return code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

/// It has said something that no Kafka broker says.
bool is_foreign(std::string_view reason) noexcept { return contains(reason, "Invalid response size"); }

}  // namespace

/// "kafka:9092/1: Failed to resolve ...": a broker that is known by its number was named by another one.
std::string StartupTrouble::advertised_in(std::string_view reason) const {
  const std::size_t slash = reason.find('/');
  const std::size_t end = reason.find(": ");
  if (slash == std::string_view::npos || end == std::string_view::npos || slash > end) return {};
  if (reason.substr(slash + 1, end - slash - 1).find_first_not_of("0123456789") != std::string_view::npos) return {};
  std::string_view name = reason.substr(0, slash);
  name = name.substr(name.rfind(' ') + 1);
  name = name.substr(name.find("://") == std::string_view::npos ? 0 : name.find("://") + 3);
  if (contains(brokers_, name)) return {};
  return std::string(name);
}

StartupTrouble::StartupTrouble(const Options& options)
    : brokers_(socket::to_text(options.hosts)),
      hosts_(options.hosts),
      is_tls_(options.tls),
      has_user_(!options.user.empty()) {}

bool StartupTrouble::note(rd_kafka_resp_err_t code, std::string_view reason) {
  if (is_clear_) return true;
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return is_clear_ = code_ != RD_KAFKA_RESP_ERR_NO_ERROR;
  // librdkafka reports what OpenSSL refused as a transport's failure, too, as it happens to notice it.
  code_ = contains(reason, "SSL routines") && contains(reason, "certificate") ? RD_KAFKA_RESP_ERR__SSL : code;
  reason_ = reason;
  advertised_ = advertised_in(reason);
  is_clear_ = code_ == RD_KAFKA_RESP_ERR__AUTHENTICATION || code_ == RD_KAFKA_RESP_ERR__SSL ||
              code_ == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL || is_missing_right(code_);
  return is_clear_;
}

Error StartupTrouble::error(const Error& fallback) const {
  const std::string reason(without_details(reason_));
  switch (code_) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return Error(make_code(code_), "the brokers " + brokers_ + " refused the user and password of the URL: " + reason,
                   End::rejected);
    case RD_KAFKA_RESP_ERR__SSL:
      // A certificate does not mend itself; a broker that hangs up while it starts does.
      return Error(contains(reason_, "certificate") ? make_error_code(errc::unauthorized) : make_code(code_),
                   "no TLS connection to " + brokers_ + "; check tls, ca and the name in the URL: " + reason,
                   End::rejected);
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL: return Error(make_code(code_), reason_, End::rejected);
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Error(make_code(code_),
                   "the brokers " + brokers_ +
                       " do not grant a right that is needed (READ and DESCRIBE on topics and group): " + reason,
                   End::rejected);
    default:
      if (!advertised_.empty()) {
        return Error(errc::refused,
                     "a Kafka broker answers at " + brokers_ + ", but names " + advertised_ +
                         " as the address to be used, which cannot be reached: see its advertised.listeners: " + reason,
                     End::rejected);
      }
      if (!has_user_ && contains(reason_, "require SASL")) {
        return Error(errc::refused,
                     "the broker at " + brokers_ + " hangs up: it may want a user and password in the URL: " + reason,
                     End::rejected);
      }
      if (is_foreign(reason_) || may_be_foreign(reason_)) {
        return Error(is_foreign(reason_) ? errc::invalid_config : errc::refused,
                     "what answers at " + brokers_ + " is no Kafka broker, or wants TLS" +
                         (has_user_ ? "" : " or a user and password") + ": " + reason,
                     End::rejected);
      }
      return Error(errc::refused, "no Kafka broker can be reached at " + brokers_ + ": " + reason, End::rejected);
  }
  if (fallback.code() != errc::timeout) return fallback;
  return Error(errc::refused, "no Kafka broker answers at " + brokers_ + " in time", End::rejected);
}

asio::awaitable<Error> StartupTrouble::explain(asio::any_io_executor executor, Error fallback) const {
  const Error plain = error(fallback);
  if (plain.code() != errc::refused && !is_foreign(reason_)) co_return plain;
  co_return co_await socket::name_stranger(executor, hosts_, expected(), plain);
}

}  // namespace waybill::kafka
