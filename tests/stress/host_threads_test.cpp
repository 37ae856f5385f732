// A host with threads: services and clients on strands of an io_context that several threads run, and on a thread pool.
// tests/integration/host_threads_test.cpp does the same over brokers.
#include "support/threaded_host.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transports/memory.hpp"

namespace waybill::test {
namespace {

class HostThreads : public testing::TestWithParam<std::size_t> {};

TEST_P(HostThreads, StrandsAndPoolsServeOverMemory) {
  const auto broker = memory::Broker::make();
  auto registry = std::make_shared<Registry>();
  registry->add_transport("memory", broker->factory());
  registry->add_serializer(json::make_json_serializer());
  serve_on_a_host_with_threads("memory://host", registry, GetParam());
}

TEST_P(HostThreads, StrandsAndPoolsServeOverTcp) {
  serve_on_a_host_with_threads("tcp://127.0.0.1:0", default_registry(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Of, HostThreads, testing::Values(2, 4),
                         [](const auto& each) { return std::to_string(each.param) + "_threads"; });

}  // namespace
}  // namespace waybill::test
