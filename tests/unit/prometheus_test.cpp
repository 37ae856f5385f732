// Metrics for Prometheus: counts that are right, names that promtool accepts, labels that stay few.
#include "waybill/prometheus.hpp"

#include "support/metrics_page.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/format/utf8.hpp"
#include "waybill/testing.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

struct Rig {
  TestBed bed;
  std::shared_ptr<Prometheus> metrics = std::make_shared<Prometheus>();
  std::optional<Service> service;
  std::optional<Client> client;

  explicit Rig(std::string_view options = "attempts=2&backoff=10ms&dead_letter=dead", PrometheusOptions limits = {}) {
    metrics = std::make_shared<Prometheus>(std::move(limits));
    service.emplace(bed.executor(), bed.config(options), bed.registry());
    service->log_to(bed.log_sink());
    service->observe(metrics);
    client.emplace(bed.client());
    client->observe(metrics);
  }
  void start() { bed.run(service->start()); }
  MetricsPage page() const { return MetricsPage(metrics->text()); }
  void fails(const std::string& pattern) {
    const Pattern named(pattern);
    EXPECT_THROW(bed.run(client->request<int>(named, 1)), Error);
  }
  void forget(const std::string& pattern) {
    const Pattern named(pattern);
    client->emit(named, 1, asio::detached);
  }
};

void add_handlers(Service& service) {
  service.on_request("double", [](int number) { return 2 * number; });
  service.on_request("fails", [](int) -> int { throw Error("E42", "sold out"); });
  service.on_request("breaks", [](int) -> int { throw std::runtime_error("secret"); });
  service.on_event("seen", [](int) {});
  service.on_event("poison", [](int) { throw std::runtime_error("bad"); });
}

TEST(Prometheus, CountsCallsMessagesErrorsAndFates) {
  Rig rig;
  add_handlers(*rig.service);
  rig.start();
  for (int i = 0; i < 3; ++i) rig.bed.run(rig.client->request<int>("double", i));
  rig.fails("fails");
  rig.fails("breaks");
  rig.bed.run(rig.client->emit("seen", 1));
  rig.client->emit("seen", 2, asio::detached);
  rig.bed.run(rig.client->emit("poison", 1));
  rig.bed.advance(1s);
  const MetricsPage page = rig.page();
  const std::string client = "{url=\"memory://bed\",pattern=";
  EXPECT_EQ(page.at("waybill_client_calls_total" + client + "\"double\",kind=\"request\"}"), 3);
  EXPECT_EQ(page.at("waybill_client_calls_total" + client + "\"seen\",kind=\"event\"}"), 2);
  EXPECT_EQ(page.at("waybill_client_call_duration_seconds_count" + client + "\"double\",kind=\"request\"}"), 3);
  EXPECT_EQ(page.at("waybill_client_call_duration_seconds_count" + client + "\"seen\",kind=\"event\"}"), 1)
      << "nobody waits for the other one";
  EXPECT_EQ(page.at("waybill_client_call_errors_total" + client + "\"fails\",kind=\"request\",code=\"remote\"}"), 1);
  EXPECT_EQ(page.sum("waybill_client_call_errors_total"), 2);
  EXPECT_EQ(page.sum("waybill_client_calls_in_flight"), 0);
  EXPECT_EQ(page.at("waybill_service_messages_total" + client + "\"double\",kind=\"request\"}"), 3);
  EXPECT_EQ(page.at("waybill_service_messages_total" + client + "\"poison\",kind=\"event\"}"), 2);
  EXPECT_EQ(page.sum("waybill_service_messages_settled_total", "fate=\"retried\""), 1);
  EXPECT_EQ(page.sum("waybill_service_messages_settled_total", "fate=\"parked\""), 1);
  EXPECT_EQ(page.sum("waybill_service_messages_settled_total", "fate=\"acknowledged\""), 7);
  EXPECT_EQ(page.at("waybill_service_handler_errors_total" + client + "\"breaks\",kind=\"request\",code=\"internal\"}"),
            1);
  EXPECT_EQ(page.at("waybill_service_handler_errors_total" + client + "\"fails\",kind=\"request\",code=\"remote\"}"),
            1);
  EXPECT_EQ(page.sum("waybill_service_messages_in_flight"), 0);
  EXPECT_EQ(page.at("waybill_service_links{url=\"memory://bed\",status=\"ready\"}"), 1);
  EXPECT_EQ(page.at("waybill_client_links{url=\"memory://bed\",status=\"ready\"}"), 1);
  EXPECT_EQ(page.at("waybill_client_links{url=\"memory://bed\",status=\"closed\"}"), 0);
  EXPECT_GE(page.at("waybill_held_bytes"), 0);
}

TEST(Prometheus, TimesHandlersInBuckets) {
  Rig rig("", {{0.01, 0.3, 1}, 10, 10});
  rig.service->on_request("slow", [](Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor());
    timer.expires_after(250ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 1;
  });
  rig.start();
  rig.bed.run(rig.client->request<int>("slow", 0));
  const MetricsPage page = rig.page();
  const std::string labels = "{url=\"memory://bed\",pattern=\"slow\",kind=\"request\"";
  const std::string name = "waybill_service_handler_duration_seconds";
  EXPECT_EQ(page.at(name + "_bucket" + labels + ",le=\"0.01\"}"), 0);
  EXPECT_EQ(page.at(name + "_bucket" + labels + ",le=\"0.3\"}"), 1);
  EXPECT_EQ(page.at(name + "_bucket" + labels + ",le=\"+Inf\"}"), 1);
  EXPECT_DOUBLE_EQ(page.at(name + "_sum" + labels + "}"), 0.25);
}

TEST(Prometheus, WhatIsUnderWayIsInFlight) {
  Rig rig;
  std::optional<Timer> held;
  rig.service->on_request("hangs", [&held](Context& context) -> asio::awaitable<int> {
    held.emplace(context.executor());
    held->expires_after(1h);
    co_await detail::wait_quietly(*held);
    co_return 1;
  });
  rig.start();
  bool ended = false;
  rig.client->request<int>("hangs", 0, [&](const Result<int>&) { ended = true; });
  ASSERT_TRUE(rig.bed.eventually([&] { return held.has_value(); }));
  EXPECT_EQ(rig.page().sum("waybill_service_messages_in_flight"), 1);
  EXPECT_EQ(rig.page().sum("waybill_client_calls_in_flight"), 1);
  held->cancel();
  ASSERT_TRUE(rig.bed.eventually([&] { return ended; }));
  EXPECT_EQ(rig.page().sum("waybill_service_messages_in_flight"), 0);
  EXPECT_EQ(rig.page().sum("waybill_client_calls_in_flight"), 0);
}

TEST(Prometheus, ALinkThatWasLostAndIsBackIsAReconnect) {
  Rig rig;
  add_handlers(*rig.service);
  rig.start();
  rig.bed.run(rig.client->request<int>("double", 1));
  EXPECT_EQ(rig.page().at("waybill_service_reconnects_total{url=\"memory://bed\"}"), 0);
  rig.bed.broker().disconnect();
  rig.bed.advance(5s);
  rig.bed.run(rig.client->request<int>("double", 1));
  EXPECT_EQ(rig.page().at("waybill_service_reconnects_total{url=\"memory://bed\"}"), 1);
  EXPECT_EQ(rig.page().at("waybill_client_reconnects_total{url=\"memory://bed\"}"), 1);
}

TEST(Prometheus, CountsOfAClientThatIsGoneStayAndItsGaugesGo) {
  Rig rig;
  add_handlers(*rig.service);
  rig.start();
  for (int i = 0; i < 50; ++i) {
    Client other = rig.bed.client();
    other.observe(rig.metrics);
    rig.bed.run(other.request<int>("double", 1));
    other.close();
    rig.bed.settle();
  }
  rig.bed.settle();
  const MetricsPage page = rig.page();
  EXPECT_EQ(page.sum("waybill_client_calls_total", "double"), 50);
  EXPECT_EQ(page.sum("waybill_client_links"), 1) << "that of the rig";
  EXPECT_EQ(rig.page().sum("waybill_client_calls_total", "double"), 50) << "a second look adds nothing";
}

std::set<std::string> values_of(const MetricsPage& page, const std::string& label) {
  std::set<std::string> values;
  for (const auto& [sample, ignored] : page.values()) {
    const std::size_t at = sample.find(label + "=\"");
    if (at == std::string::npos) continue;
    const std::size_t begin = at + label.size() + 2;
    std::size_t end = begin;
    while (sample[end] != '"') end += sample[end] == '\\' ? 2u : 1u;
    values.insert(sample.substr(begin, end - begin));
  }
  return values;
}

TEST(Prometheus, StrangersCannotMakeLabels) {
  Rig rig("attempts=1", {{0.1}, 20, 3});
  add_handlers(*rig.service);
  rig.start();
  for (int i = 0; i < 500; ++i) {
    rig.forget("stranger." + std::to_string(i));
    if (i % 100 == 0) rig.bed.settle();
  }
  const char* const hostile[] = {"a\"b", "a\nb", "a\\b", "{x=\"1\"} 1\nfake 2", "a{b}"};
  for (const char* pattern : hostile) rig.forget(pattern);
  rig.forget(
      "a\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c"
      "\xed\x95\x9c\xed\x95\x9c"
      "\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c\xed\x95\x9c");  // cut within a letter
  for (int i = 0; i < 20; ++i) {
    Client other(rig.bed.executor(), ClientConfig::from_url("memory://bed-" + std::to_string(i)), rig.bed.registry(),
                 rig.bed.log());
    other.observe(rig.metrics);
    other.close();
  }
  rig.bed.settle();
  const std::string text = rig.metrics->text();
  EXPECT_EQ(text.find("fake 2\n"),
            text.find("} 1?fake 2") == std::string::npos ? std::string::npos : text.find("fake 2\n"));
  const MetricsPage page(text);
  EXPECT_LE(values_of(page, "pattern").size(), 20u + 5u + 2u);
  EXPECT_LE(values_of(page, "url").size(), 4u);
  EXPECT_EQ(page.sum("waybill_client_calls_total"), 506);
  EXPECT_TRUE(format::is_utf8(text));
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

/// Secrets of URLs are in no label.
TEST(Prometheus, NoPasswordIsOnThePage) {
  TestBed bed;
  const auto metrics = std::make_shared<Prometheus>();
  Client client(bed.executor(), ClientConfig::from_url("memory://user:hunter2@bed"), bed.registry(), bed.log());
  client.observe(metrics);
  client.emit("seen", 1, asio::detached);
  bed.settle();
  EXPECT_EQ(metrics->text().find("hunter2"), std::string::npos);
  EXPECT_NE(metrics->text().find("memory://user"), std::string::npos);
}

TEST(Prometheus, BucketsMustAscend) {
  EXPECT_THROW(Prometheus({{0.2, 0.1}, 1, 1}), Error);
  EXPECT_THROW(Prometheus({{0}, 1, 1}), Error);
}

/// Debian has it in the package `prometheus`.
std::string promtool() {
  if (const char* named = std::getenv("WAYBILL_PROMTOOL")) return named;
  return std::system("promtool --version >/dev/null 2>&1") == 0 ? "promtool" : "";
}

TEST(Prometheus, PromtoolIsContentWithThePageOfABusyProgram) {
  const std::string tool = promtool();
  if (tool.empty()) GTEST_SKIP() << "no promtool: apt-get install prometheus, or set WAYBILL_PROMTOOL";
  Rig rig;
  add_handlers(*rig.service);
  rig.start();
  for (int i = 0; i < 100; ++i) rig.bed.run(rig.client->request<int>("double", i));
  rig.fails("fails");
  rig.bed.run(rig.client->emit("poison", 1));
  rig.forget("a\"b\\c\nd");
  rig.bed.advance(1s);
  rig.bed.broker().disconnect();
  rig.bed.advance(2s);
  const std::string file = testing::TempDir() + "waybill-metrics-" + std::to_string(::getpid());
  std::ofstream(file) << rig.metrics->text();
  const int status = std::system((tool + " check metrics <" + file + " >" + file + ".out 2>&1").c_str());
  std::ifstream said(file + ".out");
  EXPECT_EQ(status, 0) << std::string(std::istreambuf_iterator<char>(said), {});
  std::remove(file.c_str());
  std::remove((file + ".out").c_str());
}

}  // namespace
}  // namespace waybill::test
