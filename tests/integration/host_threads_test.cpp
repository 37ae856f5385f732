// A host with threads, over brokers: tests/stress/host_threads_test.cpp does the same over memory and TCP.
#include "support/broker_url.hpp"
#include "support/carriers.hpp"
#include "support/not_applicable.hpp"
#include "support/threaded_host.hpp"

namespace waybill::test {
namespace {

class HostThreadsOver : public testing::TestWithParam<Carrier> {};

TEST_P(HostThreadsOver, StrandsAndPoolsServe) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  const std::string base = broker_url(carrier.variable.c_str());
  WAYBILL_NEEDS_BROKER(base, carrier.variable);
  for (const unsigned threads : {2u, 4u}) {
    std::string url = base;
    if (carrier.scheme == "amqp") url += "/?queue=" + fresh_name();
    if (carrier.scheme == "kafka") url += "/?prefix=" + fresh_name() + ".";
    if (carrier.scheme == "redis") url += "/?prefix=" + fresh_name() + ".";
    serve_on_a_host_with_threads(url, default_registry(), threads);
  }
}

INSTANTIATE_TEST_SUITE_P(Carriers, HostThreadsOver, testing::ValuesIn(carriers()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
