// How many messages wait at the broker, as observers are told.
#include "support/broker_url.hpp"
#include "support/eventually.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace waybill::test {
namespace {

struct Lag : Observer {
  double lag = -1;
  void figure_told(std::string_view, std::string_view name, double value) noexcept override {
    if (name == "lag") lag = value;
  }
};

struct Carrier {
  const char* name;
  const char* variable;
  std::string options;  ///< %: a name of this test's own.
};
void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.name; }

class Lags : public testing::TestWithParam<Carrier> {};

TEST_P(Lags, AreToldWhileMessagesWaitAndWhenNoneDo) {
  const std::string broker = broker_url(GetParam().variable);
  WAYBILL_NEEDS_BROKER(broker, GetParam().variable);
  const std::string world = std::string("lag-") + GetParam().name + '-' + std::to_string(::getpid());
  std::string url = broker + GetParam().options;
  url.replace(url.find('%'), 1, world);
  asio::io_context loop(1);
  Service service(loop.get_executor(), Config::listen({url + "&max_in_flight=1"}));
  const auto lag = std::make_shared<Lag>();
  service.observe(lag);
  asio::steady_timer gate(loop, asio::steady_timer::time_point::max());
  bool is_open = false;
  int handled = 0;
  service.on_event("work", [&](int) -> asio::awaitable<void> {
    if (!is_open) co_await detail::wait_quietly(gate);
    ++handled;
  });
  run_until(loop, service.start());
  EXPECT_TRUE(eventually(loop, std::chrono::seconds(10), [&] { return lag->lag == 0; })) << lag->lag;
  Client client(loop.get_executor(), url);
  for (int i = 0; i < 1000; ++i) client.emit("work", i, asio::detached);
  EXPECT_TRUE(eventually(loop, std::chrono::seconds(20), [&] { return lag->lag > 0; })) << lag->lag;
  is_open = true;
  gate.cancel();
  EXPECT_TRUE(eventually(loop, std::chrono::seconds(30), [&] { return handled == 1000 && lag->lag == 0; }))
      << handled << " handled, lag " << lag->lag;
  client.close();
  service.close();
  run_ready(loop);
}

INSTANTIATE_TEST_SUITE_P(Carriers, Lags,
                         testing::Values(Carrier{"classic", "WAYBILL_TEST_AMQP_URL", "/?queue=%"},
                                         Carrier{"quorum", "WAYBILL_TEST_AMQP_URL", "/?queue=%&queue_type=quorum"},
                                         Carrier{"kafka", "WAYBILL_TEST_KAFKA_URL", "/?prefix=%.&partitions=1"}),
                         [](const testing::TestParamInfo<Carrier>& one) { return one.param.name; });

}  // namespace
}  // namespace waybill::test
