// Metrics of OpenTelemetry: which there are, and that each call, message and link is counted once.
#include "recorded_metrics.hpp"
#include "service_rig.hpp"
#include "waybill/testing.hpp"

#include <asio/detached.hpp>

#include <numeric>

namespace waybill::test {
namespace {

class Metrics : public ServiceRig {
 protected:
  void ask(Client& client, const std::string& pattern, int value) {
    std::optional<Result<int>> answer;
    client.request<int>(pattern, value, [&answer](Result<int> result) { answer.emplace(std::move(result)); });
    EXPECT_TRUE(wait_until([&answer] { return answer.has_value(); }));
  }
  RecordedMetrics metrics;
};

TEST_P(Metrics, CountCallsAndMessagesOnce) {
  service->observe(metrics.metrics());
  service->on_request("half", [](int value) {
    if (value % 2) throw Error("odd", "it is odd");
    return value / 2;
  });
  service->on_event("seen", [](int) {});
  start();
  Client& client = connect("?timeout=60s");
  client.observe(metrics.metrics());
  for (int i = 0; i < 10; ++i) ask(client, "half", i);
  client.emit("seen", 1, asio::detached);
  const auto settled = [this] {
    double all = 0;
    for (const RecordedSeries& series : metrics.of("waybill.settled.messages")) all += series.value;
    return all;
  };
  ASSERT_TRUE(wait_until([&] { return settled() == 11; })) << settled();

  const RecordedSeries sent = metrics.of("messaging.client.sent.messages", "messaging.destination.name", "half");
  EXPECT_EQ(sent.value, 10);
  EXPECT_EQ(sent.unit, "{message}");
  EXPECT_EQ(sent.at("messaging.operation.name"), "send");
  EXPECT_EQ(sent.at("messaging.operation.type"), "send");
  EXPECT_EQ(sent.at("messaging.system"), GetParam().url.substr(0, GetParam().url.find(':')));
  std::uint64_t good = 0, failed = 0;
  for (const RecordedSeries& series : metrics.of("messaging.client.operation.duration")) {
    EXPECT_EQ(series.unit, "s");
    if (series.at("messaging.destination.name") == "half")
      (series.at("error.type") == "(none)" ? good : failed) += series.count;
  }
  EXPECT_EQ(good, 5u);
  EXPECT_EQ(failed, 5u);
  EXPECT_EQ(metrics.of("messaging.client.operation.duration", "error.type", "odd").count, 5u);
  EXPECT_EQ(metrics.of("messaging.client.consumed.messages", "messaging.destination.name", "half").value, 10);
  EXPECT_EQ(metrics.of("messaging.process.duration", "error.type", "odd").count, 5u);
  EXPECT_EQ(metrics.of("messaging.process.duration", "messaging.destination.name", "seen").count, 1u);
  EXPECT_EQ(metrics.of("waybill.settled.messages", "messaging.destination.name", "seen").at("waybill.fate"),
            "acknowledged");
}

TEST_P(Metrics, OfPatternsBeyondTheMostAreOfOthers) {
  service->on_event("*", [](int) {});
  start();
  Client& client = connect();
  client.observe(metrics.metrics(2));
  for (int i = 0; i < 10; ++i) client.emit("event." + std::to_string(i), i, asio::detached);
  const auto sent = [this] { return metrics.of("messaging.client.sent.messages"); };
  const auto sum = [&] {
    const auto all = sent();
    return std::accumulate(all.begin(), all.end(), 0.0,
                           [](double so_far, const auto& one) { return so_far + one.value; });
  };
  ASSERT_TRUE(wait_until([&] { return sum() == 10; })) << sum();
  EXPECT_EQ(sent().size(), 3u);
  EXPECT_EQ(metrics.of("messaging.client.sent.messages", "messaging.destination.name", "_OTHER").value, 8);
}

INSTANTIATE_TEST_SUITE_P(Carriers, Metrics,
                         testing::Values(Ground{"memory://metrics", 0}, Ground{"tcp://127.0.0.1:0", 0},
                                         Ground{"tcp://127.0.0.1:0", 2}),
                         name_of_ground);

}  // namespace
}  // namespace waybill::test
