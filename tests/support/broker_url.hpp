// URLs of real brokers, from the environment (scripts/brokers.sh).
#pragma once

#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/url.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

namespace waybill::test {

/// The value of the variable; empty if it is unset. Under WAYBILL_TEST_REQUIRE that is a failure instead of a skip.
inline std::string broker_url(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

inline bool may_skip() { return std::getenv("WAYBILL_TEST_REQUIRE") == nullptr; }

/// Skips the test, loudly, when there is no broker; fails where nothing may be skipped.
#define WAYBILL_NEEDS_BROKER(url, variable)                                                       \
  if ((url).empty()) {                                                                            \
    if (!::waybill::test::may_skip()) FAIL() << variable << " is not set: scripts/brokers.sh up"; \
    GTEST_SKIP() << variable << " is not set: eval \"$(scripts/brokers.sh up)\"";                 \
  }

/// Throws Error for a URL that is wrong.
inline std::unique_ptr<Transport> transport_of(const std::string& url) {
  const Url parsed = Url::parse(url).value();
  return default_registry()->make_transport(parsed).value();
}

/// A name that no other test, process or run uses, for topics, queues and groups.
inline std::string fresh_name() {
  static int count = 0;
  std::string name = "t" + std::to_string(::getpid()) + "-" + std::to_string(std::time(nullptr) % 1'000'000) + "-" +
                     std::to_string(++count);
  return name;
}

}  // namespace waybill::test
