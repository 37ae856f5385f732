// TLS without verification: whoever writes verify=false reads of it in the log, on each carrier.
#include "support/log_capture.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace waybill::test {
namespace {

constexpr const char* k_warning = "verify=false: whoever answers is taken for the server";

/// How often both roles of one URL have warned.
std::size_t warnings_of(const std::string& url) {
  const auto registry = default_registry();
  const auto transport = registry->make_transport(Url::parse(url).value());
  EXPECT_TRUE(transport) << (transport ? "" : transport.error().what());
  if (!transport) return 0;
  asio::io_context loop(1);
  LogCapture logs;
  Environment environment;
  environment.executor = loop.get_executor();
  environment.serializer = &registry->default_serializer();
  environment.log = logs.log(LogLevel::warning);
  const auto listener = (*transport)->make_listener(environment);
  const auto connection = (*transport)->make_connection(environment);
  listener->close();
  connection->close();
  return logs.count(k_warning);
}

TEST(TlsWarning, IsGivenOnEachCarrierWhereNobodyLooksAtTheServer) {
  const auto schemes = default_registry()->schemes();
  for (const auto& [scheme, rest] :
       {std::pair("amqps", "h/?queue=q"), std::pair("rediss", "h/"), std::pair("kafkas", "h/")}) {
    if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) continue;
    const std::string url = std::string(scheme) + "://" + rest;
    EXPECT_EQ(warnings_of(url), 0u) << url;
    EXPECT_EQ(warnings_of(url + (url.find('?') == std::string::npos ? '?' : '&') + "verify=false"), 2u) << url;
  }
}

}  // namespace
}  // namespace waybill::test
