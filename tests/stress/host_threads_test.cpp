// A host with threads: services and clients on strands of an io_context that several threads run, and on a thread pool;
// over memory and TCP, and over brokers where there are any.
#include "support/broker_url.hpp"
#include "support/busy_host.hpp"
#include "support/carriers.hpp"
#include "support/not_applicable.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transports/memory.hpp"

namespace waybill::test {
namespace {

class HostThreads : public testing::TestWithParam<std::tuple<Carrier, std::size_t>> {
 protected:
  using Body = void (*)(const std::string& url, std::shared_ptr<const Registry> registry, std::size_t threads);
  static void run(Body body) {
    const Carrier& carrier = std::get<0>(GetParam());
    const std::size_t threads = std::get<1>(GetParam());
    if (carrier.scheme == "memory") return body("memory://host", registry_with_memory(), threads);
    if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
    if (carrier.scheme == "tcp") return body("tcp://127.0.0.1:0", default_registry(), threads);
    const std::string base = broker_url(carrier.variable.c_str());
    WAYBILL_NEEDS_BROKER(base, carrier.variable);
    const std::string name = carrier.scheme == "amqp" ? "/?queue=" : "/?prefix=";
    body(base + name + fresh_name() + ".", default_registry(), threads);
  }
  static std::shared_ptr<const Registry> registry_with_memory() {
    auto registry = std::make_shared<Registry>();
    registry->add_transport("memory", memory::Broker::make()->factory());
    registry->add_serializer(json::make_json_serializer());
    return registry;
  }
};

TEST_P(HostThreads, StrandsAndPoolsServe) { run(serve_on_a_host_with_threads); }
TEST_P(HostThreads, ServicesComeAndGoUnderBusyCallers) { run(come_and_go_on_a_busy_host); }

#if !defined(NDEBUG) && !defined(__SANITIZE_THREAD__)  // which tells the race by itself, and first
/// Two peers of one service whose host has forgotten the strand: while the handler of the first is at work, another
/// thread of the loop reads the second. That thread comes only then: nothing else is told of a race, which may hang.
void serve_without_a_strand() {
  ThreadedHost host(1);
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
  host.add_thread();
  second.request<void>("slow", 1, asio::use_future).wait();
  one.wait();
}

TEST(HostThreadsDeathTest, AForgottenStrandIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(serve_without_a_strand(), "two threads are in the loop of tcp://.*make_strand");
}
#endif

std::string name_of(const testing::TestParamInfo<HostThreads::ParamType>& each) {
  return std::get<0>(each.param).scheme + "_" + std::to_string(std::get<1>(each.param)) + "_threads";
}
const auto k_threads = testing::Values(2u, 4u);
const auto k_no_broker = testing::Values(Carrier{"memory", "", "", "", false}, Carrier{"tcp", "", "", "", true});
INSTANTIATE_TEST_SUITE_P(NoBroker, HostThreads, testing::Combine(k_no_broker, k_threads), name_of);
INSTANTIATE_TEST_SUITE_P(Brokers, HostThreads, testing::Combine(testing::ValuesIn(carriers()), k_threads), name_of);

}  // namespace
}  // namespace waybill::test
