// Error: what may be tried again, and what a peer's error shows.
#include "waybill/error.hpp"

#include "waybill/fields.hpp"
#include "waybill/serializers/json.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace waybill {
namespace {

TEST(Error, WhatWasPerhapsTakenIsNotRetryable) {
  for (const errc code : {errc::timeout, errc::connection_lost, errc::refused, errc::overloaded}) {
    const Error unknown(code, "x", End::unknown);
    EXPECT_FALSE(unknown.is_retryable());
    EXPECT_TRUE(unknown.is_passing());
    EXPECT_TRUE(unknown.repeatable().is_retryable()) << "its caller says that it does no harm";
    EXPECT_EQ(unknown.repeatable().end(), End::unknown);
    EXPECT_TRUE(Error(code, "x", End::rejected).is_retryable());
  }
}

TEST(Error, WhatWouldFailAgainIsNotRetryableHoweverItEnded) {
  for (const errc code : {errc::unauthorized, errc::unsupported, errc::invalid_config, errc::cancelled, errc::closed,
                          errc::too_large, errc::no_handler, errc::payload_mismatch}) {
    EXPECT_FALSE(Error(code, "x", End::rejected).repeatable().is_retryable());
  }
  EXPECT_FALSE(Error(errc::timeout, "x", End::rejected).permanent().is_retryable());
}

struct Shortage {
  std::string code;
  int left = 0;
};

TEST(Error, TheWholeBodyOfAPeersErrorCanBeDecodedAndPrinted) {
  const auto json = json::make_json_serializer();
  const Error error = Error::from_peer(Slice::copy(R"({"code":"E42","message":"sold out","left":3})"), *json);
  EXPECT_EQ(error.body_as<Shortage>().left, 3);
  EXPECT_EQ(error.name(), "E42");
  EXPECT_THROW(error.body_as<int>(), Error);
  EXPECT_THROW(Error("local").body_as<Shortage>(), Error);
  std::ostringstream out;
  out << error.body();
  EXPECT_EQ(out.str(), R"({"code":"E42","message":"sold out","left":3})");
}

}  // namespace
}  // namespace waybill
