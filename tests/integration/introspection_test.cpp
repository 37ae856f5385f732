// Services that are asked what they are and do, over each carrier.
#include "waybill/introspection.hpp"

#include "support/broker_url.hpp"
#include "support/carriers.hpp"
#include "support/not_applicable.hpp"
#include "support/threaded_host.hpp"
#include "waybill/waybill.hpp"

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <vector>

namespace waybill::test {
namespace {

using Ask = IntrospectionQuery::Ask;
using namespace std::chrono_literals;

class Introspection : public testing::TestWithParam<Carrier> {
 protected:
  std::string url() const {
    const Carrier& carrier = GetParam();
    const std::string base = carrier.scheme == "tcp" ? free_tcp_url() : broker_url(carrier.variable.c_str());
    const std::string fresh = fresh_name();
    if (carrier.scheme == "amqp") return base + "/?queue=" + fresh;
    if (carrier.scheme == "kafka") return base + "/?groupId=" + fresh + "&prefix=" + fresh + ".";
    if (carrier.scheme == "redis") return base + "/?prefix=" + fresh + ".";
    return base;
  }
};

TEST_P(Introspection, EachServiceThatListensIsFound) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  if (carrier.scheme != "tcp") WAYBILL_NEEDS_BROKER(broker_url(carrier.variable.c_str()), carrier.variable.c_str());
  const std::string where = url();
  // At the other end of a TCP address there is one. On Kafka a group's members share partitions: a topic that nobody has
  // made has as many as the broker says, perhaps one.
  const std::size_t count = carrier.scheme == "tcp" || carrier.scheme == "kafka" ? 1 : 3;
  ThreadedHost host(1);
  std::vector<std::unique_ptr<Service>> services;
  for (std::size_t i = 0; i < count; ++i) {
    Config config = Config::listen({where});
    config.name = "worker";
    config.introspection = true;
    services.push_back(std::make_unique<Service>(host.strand(), config));
    services.back()->on_request("sum", [](int number) { return number; });
    services.back()->start(asio::use_future).get();
  }
  Client client(host.strand(), ClientConfig::from_url(where));
  client.connect(asio::use_future).get();
  for (int i = 0; i < 30; ++i) client.request<int>("sum", i, asio::use_future).get();

  auto search = asio::co_spawn(host.loop, find_services(client, Ask::stats, 10s), asio::use_future);
  ASSERT_EQ(search.wait_for(120s), std::future_status::ready);
  const std::vector<ServiceInfo> found = search.get();
  EXPECT_EQ(found.size(), count);
  std::set<std::string> instances;
  std::uint64_t handled = 0;
  for (const ServiceInfo& one : found) {
    instances.insert(one.instance);
    EXPECT_EQ(one.name, "worker");
    ASSERT_EQ(one.handlers->size(), 1u);
    EXPECT_EQ(one.handlers->front().pattern, "sum");
    EXPECT_EQ(one.listeners->front().status, "ready");
    handled += one.handlers->front().handled.value();
  }
  EXPECT_EQ(instances.size(), count);
  // Pub/sub has no groups: each instance has handled each of them.
  EXPECT_EQ(handled, carrier.scheme == "redis" ? 90u : 30u);
  client.close();
  for (const auto& service : services) service->drain(10s, asio::use_future).get();
}

TEST(IntrospectionOverTcp, ASearchIsOneRequestWhereOneServiceCanAnswer) {
  Config config = Config::listen({free_tcp_url()});
  config.introspection = true;
  ThreadedHost host(1);
  Service service(host.strand(), config);
  std::atomic<int> asked = 0;
  service.use({"count", [&asked](Context&, Next next) {
                 ++asked;
                 return next();
               }});
  service.start(asio::use_future).get();
  Client client(host.strand(), ClientConfig::from_url(service.addresses().front()));
  auto search = asio::co_spawn(host.loop, find_services(client, Ask::ping, 10s), asio::use_future);
  ASSERT_EQ(search.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(search.get().size(), 1u);
  EXPECT_EQ(asked, 1);
  client.close();
  service.drain(10s, asio::use_future).get();
}

INSTANTIATE_TEST_SUITE_P(Carriers, Introspection, testing::ValuesIn(carriers_and_tcp()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
