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

#if !defined(NDEBUG) && !defined(__SANITIZE_THREAD__)  // which tells the race by itself, and first
/// Two peers of one service whose host has forgotten the strand: while the handler of the first is at work, another
/// thread of the loop reads the second.
void serve_without_a_strand() {
  ThreadedHost host(2);
  Service service(host.loop.get_executor(), Config::listen({"tcp://127.0.0.1:0"}));
  std::atomic<int> begun{0};
  service.on_request("slow", [&begun] {
    ++begun;
    eventually(k_patience, [&begun] { return begun == 2; });
  });
  service.start(asio::use_future).get();
  ThreadedHost elsewhere(1);
  Client first(elsewhere.strand(), service.addresses().front());
  Client second(elsewhere.strand(), service.addresses().front());
  first.connect(asio::use_future).get();
  second.connect(asio::use_future).get();
  auto one = first.request<void>("slow", 1, asio::use_future);
  eventually(k_patience, [&begun] { return begun == 1; });
  second.request<void>("slow", 1, asio::use_future).wait();
  one.wait();
}

TEST(HostThreadsDeathTest, AForgottenStrandIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(serve_without_a_strand(), "two threads are in the loop of tcp://.*make_strand");
}
#endif

INSTANTIATE_TEST_SUITE_P(Of, HostThreads, testing::Values(2, 4),
                         [](const auto& each) { return std::to_string(each.param) + "_threads"; });

}  // namespace
}  // namespace waybill::test
