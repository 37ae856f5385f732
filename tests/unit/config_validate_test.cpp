// What programs fill in by hand: refused with a sentence, never divided by.
#include "waybill/client.hpp"
#include "waybill/config.hpp"
#include "waybill/middleware.hpp"
#include "waybill/service.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <string>

namespace waybill {
namespace {

using std::chrono::milliseconds;

std::string mistakes_of(const Result<void>& outcome) {
  if (outcome) return "none";
  EXPECT_TRUE(outcome.error().code() == errc::invalid_config);
  return std::string(outcome.error().message());
}

TEST(ConfigValidate, DefaultsAreValid) {
  EXPECT_EQ(mistakes_of(Config::listen({"memory://a", "memory://b"}).validate()), "none");
  EXPECT_EQ(mistakes_of(ClientConfig::from_url("memory://a").validate()), "none");
  EXPECT_EQ(mistakes_of(middleware::RetryOptions().validate()), "none");
}

TEST(ConfigValidate, TellsEveryMistakeOfAService) {
  Config config = Config::listen({"memory://a"});
  config.drain_timeout = milliseconds(-1);
  ListenerConfig& listener = config.listeners.front();
  listener.max_in_flight = 0;
  listener.startup.limit = milliseconds(-1);
  listener.delivery.attempts = 0;
  listener.delivery.backoff = milliseconds(-100);
  listener.delivery.most_backoff = milliseconds(-200);
  EXPECT_EQ(mistakes_of(config.validate()),
            "listener memory://a: max_in_flight: must be at least 1\n"
            "listener memory://a: startup: its limit is negative\n"
            "listener memory://a: attempts: must be at least 1, found 0\n"
            "listener memory://a: backoff: is negative\n"
            "listener memory://a: most_backoff: is less than backoff\n"
            "drain_timeout: is negative");
  EXPECT_THROW(Service{std::move(config)}, Error);
}

TEST(ConfigValidate, AClientNeedsTimesToWait) {
  ClientConfig config = ClientConfig::from_url("memory://a");
  config.timeout = milliseconds(0);
  config.connect_timeout = milliseconds(-1);
  EXPECT_EQ(mistakes_of(config.validate()),
            "timeout: must be more than 0: every request has a deadline\n"
            "connect_timeout: must be more than 0: no call could wait for its link");
  asio::io_context loop;
  EXPECT_THROW(Client(loop.get_executor(), config), Error);
  EXPECT_THROW(ClientConfig::from_url("memory://a?connect_timeout=0s"), Error);
}

TEST(ConfigValidate, MiddlewareRefusesWhatItCannotDo) {
  middleware::RetryOptions options;
  options.attempts = 0;
  options.first = milliseconds(-1);
  options.most = milliseconds(-2);
  EXPECT_EQ(mistakes_of(options.validate()),
            "retry: attempts must be at least 1\nretry: the first pause is negative\n"
            "retry: the longest pause is less than the first");
  EXPECT_THROW(middleware::retry(options), Error);
  EXPECT_THROW(middleware::timeout(milliseconds(0)), Error);
  EXPECT_THROW(middleware::timeout(milliseconds(-1)), Error);
}

TEST(ConfigValidate, LoopsOfItsOwnAreRefusedOnTheLoopOfAHost) {
  asio::io_context loop;
  Config config = Config::listen({"memory://a"});
  config.threads = 4;
  try {
    const Service service(loop.get_executor(), config);
    FAIL() << "four threads that do nothing were accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("threads"), std::string_view::npos) << error.message();
  }
}

}  // namespace
}  // namespace waybill
