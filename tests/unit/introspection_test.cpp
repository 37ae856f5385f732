// What services tell of themselves to those who ask over their carrier.
#include "waybill/introspection.hpp"

#include "waybill/testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace waybill {
namespace {

using Ask = IntrospectionQuery::Ask;
using namespace std::chrono_literals;

class IntrospectionTest : public testing::Test {
 protected:
  Config config(const std::string& name, const std::string& options = {}) const {
    Config config = bed.config(options);
    config.name = name;
    config.version = "1.2.3";
    config.introspection = true;
    return config;
  }
  std::vector<ServiceInfo> find(Ask ask, std::string_view options = {}) {
    Client client = bed.client(options);
    std::vector<ServiceInfo> found = bed.run(find_services(client, ask, 1s));
    client.close();
    return found;
  }
  TestBed bed;
};

const HandlerInfo& handler_of(const ServiceInfo& info, const std::string& pattern, const std::string& kind) {
  const auto found = std::find_if(info.handlers->begin(), info.handlers->end(),
                                  [&](const auto& one) { return one.pattern == pattern && one.kind == kind; });
  if (found == info.handlers->end()) throw std::runtime_error("no handler " + pattern);
  return *found;
}

TEST_F(IntrospectionTest, AServiceSaysWhoItIs) {
  Service service(bed.executor(), config("orders"), bed.registry());
  service.on_request("sum", [] { return 1; });
  bed.run(service.start());
  const std::vector<ServiceInfo> found = find(Ask::ping);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "orders");
  EXPECT_EQ(found[0].version, "1.2.3");
  EXPECT_EQ(found[0].instance.size(), 12u);
  EXPECT_GT(found[0].pid, 0);
  EXPECT_FALSE(found[0].host.empty());
  EXPECT_LE(found[0].started, std::chrono::system_clock::now());
  EXPECT_FALSE(found[0].handlers) << "who is there was all that was asked";
  service.close();
}

TEST_F(IntrospectionTest, InfoHasListenersAndHandlersButNoFigures) {
  Service service(bed.executor(), config("orders"), bed.registry());
  service.on_request({{"cmd", "sum"}}, [] { return 1; });
  service.on_event("order.created", [] {});
  bed.run(service.start());
  const ServiceInfo info = find(Ask::info).at(0);
  ASSERT_EQ(info.listeners->size(), 1u);
  EXPECT_EQ(info.listeners->front().status, "ready");
  ASSERT_EQ(info.handlers->size(), 2u) << "without the one that answers this";
  EXPECT_EQ(info.handlers->front().pattern, R"({"cmd":"sum"})");
  EXPECT_EQ(info.handlers->front().kind, "request");
  EXPECT_EQ(info.handlers->back().kind, "event");
  EXPECT_FALSE(info.handlers->front().handled);
  service.close();
}

TEST_F(IntrospectionTest, StatsCountByHandler) {
  Service service(bed.executor(), config("orders", "attempts=2&dead_letter=dead"), bed.registry());
  service.on_request("sum", [](int number) {
    if (number < 0) throw Error("E_NEGATIVE", "a text with internals");
    return number;
  });
  service.on_event("order.created", [](const std::string& id) {
    if (id.empty()) throw std::runtime_error("no id");
  });
  bed.run(service.start());
  Client client = bed.client();
  for (int number : {1, 2, 3}) bed.run(client.request<int>("sum", number));
  EXPECT_THROW(bed.run(client.request<int>("sum", -1)), Error);
  bed.run(client.emit("order.created", "a"));
  bed.run(client.emit("order.created", ""));
  ASSERT_TRUE(bed.eventually([&] { return bed.dead_letters("dead").size() == 1; }));
  const ServiceInfo info = find(Ask::stats).at(0);
  const HandlerInfo sum = handler_of(info, "sum", "request");
  EXPECT_EQ(sum.handled, 4u);
  EXPECT_EQ(sum.failed, 1u);
  EXPECT_EQ(sum.last_error, "E_NEGATIVE") << "its code, not its text";
  EXPECT_TRUE(sum.mean_ms && sum.most_ms);
  const HandlerInfo created = handler_of(info, "order.created", "event");
  EXPECT_EQ(created.handled, 3u) << "with both attempts of the one that failed";
  EXPECT_EQ(created.failed, 2u);
  EXPECT_EQ(created.last_error->find("no id"), std::string::npos);
  EXPECT_EQ(info.in_flight, 0u) << "those that ask this are not counted";
  EXPECT_EQ(info.retried, 1u);
  EXPECT_EQ(info.dead_lettered, 1u);
  client.close();
  service.close();
}

struct Order {
  std::string id;
};

TEST_F(IntrospectionTest, SchemasSayWhatAServiceSaysOfItself) {
  Service service(bed.executor(), config("orders"), bed.registry());
  service.on_request({{"cmd", "order"}}, [](const Order& order) { return order; });
  service.on_request("count", [](int to) -> Stream<int> { co_yield to; });
  service.on_request("forget", [] {});
  service.on_event("order.*", [](const Order&) {});
  bed.run(service.start());
  EXPECT_FALSE(find(Ask::info).at(0).handlers->front().argument) << "only who asks for them gets them";
  const ServiceDescription own = service.description();
  const ServiceDescription told = description_of(find(Ask::schemas).at(0));
  EXPECT_EQ(told.name, "orders");
  EXPECT_EQ(told.version, "1.2.3");
  EXPECT_EQ(told.servers.size(), 1u);
  ASSERT_EQ(told.handlers.size(), 4u);
  ASSERT_EQ(own.handlers.size(), 4u) << "without the one that answers this";
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(told.handlers[i].pattern, own.handlers[i].pattern);
    EXPECT_EQ(told.handlers[i].kind, own.handlers[i].kind);
    EXPECT_EQ(told.handlers[i].argument, own.handlers[i].argument);
    EXPECT_EQ(told.handlers[i].reply, own.handlers[i].reply);
  }
  EXPECT_EQ(typescript(told), typescript(own));
  service.close();
}

TEST_F(IntrospectionTest, SharersOfTheWorkAreAllFound) {
  std::vector<std::unique_ptr<Service>> services;
  for (int i = 0; i < 5; ++i) {
    services.push_back(std::make_unique<Service>(bed.executor(), config("worker", "group=workers"), bed.registry()));
    services.back()->on_request("sum", [] { return 1; });
    bed.run(services.back()->start());
  }
  EXPECT_EQ(find(Ask::info).size(), 5u);
  for (const auto& service : services) service->close();
}

TEST_F(IntrospectionTest, ItIsOffUnlessItIsAskedFor) {
  Service service(bed.executor(), bed.config(), bed.registry());
  service.on_request("sum", [] { return 1; });
  bed.run(service.start());
  try {
    find(Ask::ping);
    FAIL() << "it answered";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == errc::no_handler || error.code() == errc::no_receiver) << error.what();
  }
  service.close();
}

TEST_F(IntrospectionTest, AHandlerOfItsPatternIsTold) {
  Service service(bed.executor(), config("orders"), bed.registry());
  service.on_request(k_introspection_pattern, [] { return 1; });
  EXPECT_THROW(bed.run(service.start()), Error);
  service.close();
}

TEST_F(IntrospectionTest, NameAndVersionAreCheckedWhereTheyAreWritten) {
  EXPECT_THROW(Config::parse("name: 'two words'"), Error);
  EXPECT_THROW(Config::parse("version: ''"), Error);
  EXPECT_THROW(Config::parse("introspection: perhaps"), Error);
  const Config config = Config::parse("name: orders\nversion: 1.10\nintrospection: on");
  EXPECT_EQ(config.version, "1.10");
  EXPECT_TRUE(config.introspection);
}

}  // namespace
}  // namespace waybill
