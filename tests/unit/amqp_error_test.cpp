// What AMQP's reply codes mean, and the sentences made from what brokers say.
#include "protocol/error.hpp"
#include "protocol/method.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waybill::amqp {
namespace {

TEST(AmqpError, SaysWhatToChange) {
  const auto text = [](int code, const char* said) {
    return std::string(broker_error(static_cast<std::uint16_t>(code), said, "doing it", End::rejected).message());
  };
  const std::string other =
      text(406,
           "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but "
           "current is 'true'");
  EXPECT_NE(other.find("durable=true"), std::string::npos) << other;
  EXPECT_NE(other.find("durable=false"), std::string::npos) << other;
  EXPECT_NE(text(404, "NOT_FOUND - no queue 'q' in vhost '/'").find("no_assert"), std::string::npos);
  EXPECT_NE(text(530, "NOT_ALLOWED - vhost nowhere not found").find("nowhere"), std::string::npos);
  EXPECT_NE(text(541, "INTERNAL_ERROR").find("doing it"), std::string::npos);
  EXPECT_TRUE(broker_error(403, "ACCESS_REFUSED", "", End::rejected).code() == errc::unauthorized);
  const auto code = [](int number, const char* said) {
    return broker_error(static_cast<std::uint16_t>(number), said, "doing it", End::rejected).code();
  };
  EXPECT_TRUE(code(530, "NOT_ALLOWED - access to vhost '/' refused for user 'u': connection limit (2) is reached") ==
              errc::refused);
  EXPECT_TRUE(code(404, "NOT_FOUND - home node 'r@h' of durable queue 'q' in vhost '/' is down or inaccessible") ==
              errc::refused);
  EXPECT_TRUE(code(404, "NOT_FOUND - no queue 'q' in vhost '/'") == errc::invalid_config);
  EXPECT_TRUE(code(530, "NOT_ALLOWED - vhost nowhere not found") == errc::invalid_config);
  EXPECT_TRUE(code(541, "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.") == errc::invalid_config);
  const std::string transient = text(541,
                                     "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.\nBy default, "
                                     "this feature is not permitted anymore.");
  EXPECT_NE(transient.find("doing it: this broker (RabbitMQ 4.3"), std::string::npos) << transient;
  EXPECT_NE(transient.find("durable=true"), std::string::npos) << transient;
  EXPECT_NE(text(541, "INTERNAL_ERROR - Feature `ram_node_type` is deprecated.").find("permit.ram_node_type"),
            std::string::npos);
  EXPECT_NE(text(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out").find("consumer_timeout"),
            std::string::npos);
  EXPECT_TRUE(code(530, "NOT_ALLOWED - access to vhost '/' refused for user 'u'") == errc::unauthorized);
  EXPECT_NE(
      text(530, "NOT_ALLOWED - access to vhost '/' refused for user 'u'").find("user u has no rights in the vhost /"),
      std::string::npos);
  const auto refused = [](std::uint32_t method, const char* said) {
    return std::string(broker_error(403, said, "doing it", End::rejected, method).message());
  };
  const std::string topic =
      refused(AMQP_BASIC_PUBLISH_METHOD,
              "ACCESS_REFUSED - access to topic 'k' in exchange 'e' in vhost 'v' refused for user 'u'");
  EXPECT_NE(topic.find("no right to write the topic k of the exchange e in the vhost v"), std::string::npos) << topic;
  const std::string newer = refused(0, "ACCESS_REFUSED - write access to queue 'q' in vhost '/' refused for user 'u'");
  EXPECT_NE(newer.find("no right to write the queue q"), std::string::npos) << newer;
  EXPECT_NE(refused(0, "ACCESS_REFUSED - of a kind not known").find("of a kind"), std::string::npos);
  const Error large = broker_error(
      406, "PRECONDITION_FAILED - message size 200000 is larger than configured max size 65536", "", End::rejected);
  EXPECT_TRUE(large.code() == errc::too_large);
  EXPECT_EQ(refusal_of(large).size, 200'000u);
  EXPECT_EQ(refusal_of(large).most, 65'536u);
  EXPECT_TRUE(
      refusal_of(broker_error(406, "PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'y'",
                              "", End::rejected))
          .is_user);
  EXPECT_TRUE(broker_error(320, "CONNECTION_FORCED", "", End::unknown).code() == errc::connection_lost);
}

}  // namespace
}  // namespace waybill::amqp
