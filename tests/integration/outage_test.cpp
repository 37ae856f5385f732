// A broker of the test's own is killed with SIGKILL under load and started again, several times; on TCP it is the service
// that goes and comes. The books (support/ledger.hpp) tell what was accepted and lost, which calls never ended, and which
// duplicates were not marked.
//
// WAYBILL_OUTAGE_KILLS: how often (2). WAYBILL_OUTAGE_OPTIONS: more options of the URL, as &queue_type=quorum.
#include "support/broker_url.hpp"
#include "support/carriers.hpp"
#include "support/eventually.hpp"
#include "support/ledger.hpp"
#include "support/log_capture.hpp"
#include "support/not_applicable.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

namespace waybill::test {
namespace {

using Clock = Ledger::Clock;
using std::chrono::milliseconds;

constexpr milliseconds k_request_deadline{2000};

std::size_t entries(const char* folder) {
  using Iterator = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Iterator(folder), Iterator()));
}

/// Of this process.
std::size_t resident_kib() {
  std::size_t whole = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// How late the machine wakes a thread that has nothing to do with waybill: what of a late end is not ours.
class IdleThread {
 public:
  IdleThread() : thread_([this] { run(); }) {}
  ~IdleThread() { stop(); }

  milliseconds stop() {
    is_stopped_ = true;
    if (thread_.joinable()) thread_.join();
    return latest_;
  }

 private:
  void run() {
    asio::io_context context;
    asio::steady_timer timer(context);
    while (!is_stopped_) {
      const Clock::time_point due = Clock::now() + milliseconds(5);
      timer.expires_at(due);
      timer.wait();
      latest_ = std::max(latest_, std::chrono::ceil<milliseconds>(Clock::now() - due));
    }
  }

  std::atomic<bool> is_stopped_{false};
  milliseconds latest_{0};
  std::thread thread_;
};

/// Sends three events and a request every five milliseconds, and writes down what becomes of them.
class Load {
 public:
  Load(asio::io_context& loop, Client& client, Ledger& ledger) : client_(client), ledger_(ledger), timer_(loop) {}

  void start() { tick(); }
  void stop() {
    is_stopped_ = true;
    timer_.cancel();
  }

  std::size_t accepted = 0;
  std::size_t open = 0;                ///< Calls without an end.
  std::size_t never_left = 0;          ///< Calls that began and ended while there was no link.
  std::size_t called_unknown = 0;      ///< Of these: those that do not say that nobody has taken them.
  milliseconds longest_pause{0};       ///< Between two ticks: how long the loop had no time for us.
  Clock::time_point last_value_asked;  ///< When the latest request was made that has been answered with a value.

 private:
  /// Which time without a link it is; 0: there is a link.
  std::uint64_t gap() {
    if (client_.status() != Status::interrupted) return 0;
    return 1 + client_.stats().reconnects;
  }
  void note_end(std::uint64_t gap_at_first, const Error& error) {
    if (gap_at_first == 0 || gap_at_first != gap()) return;
    ++never_left;
    if (error.end() != End::rejected) ++called_unknown;
  }
  void tick() {
    if (is_stopped_) return;
    const Clock::time_point now = Clock::now();
    longest_pause = std::max(longest_pause, std::chrono::ceil<milliseconds>(now - std::exchange(last_tick_, now)));
    for (int i = 0; i < 3; ++i) emit(++last_event_);
    ask(++last_request_);
    timer_.expires_after(milliseconds(5));
    timer_.async_wait([this](std::error_code ec) {
      if (!ec) tick();
    });
  }
  void emit(std::uint64_t event) {
    ledger_.attempted(event);
    ++open;
    client_.emit("load.event", event, [this, event, began = gap()](const Result<Accepted>& outcome) {
      --open;
      if (!outcome) note_end(began, outcome.error());
      if (outcome) ++accepted;
      ledger_.ended(event, outcome);
    });
  }
  void ask(std::uint64_t request) {
    ledger_.asked(request);
    ++open;
    const Clock::time_point asked = Clock::now();
    CallOptions options;
    options.timeout = k_request_deadline;
    client_.request<std::uint64_t>("load.request", request, options,
                                   [this, request, asked, began = gap()](const Result<std::uint64_t>& value) {
                                     --open;
                                     if (!value) note_end(began, value.error());
                                     const auto late = Clock::now() - asked - k_request_deadline;
                                     const bool is_right = value && *value == request;
                                     if (is_right) last_value_asked = std::max(last_value_asked, asked);
                                     ledger_.answered(request, is_right, std::chrono::ceil<milliseconds>(late));
                                   });
  }

  Client& client_;
  Ledger& ledger_;
  asio::steady_timer timer_;
  Clock::time_point last_tick_ = Clock::now();
  std::uint64_t last_event_ = 0;
  std::uint64_t last_request_ = 0;
  bool is_stopped_ = false;
};

class Outage : public testing::TestWithParam<Carrier> {
 protected:
  /// Serves the load, until it is closed and destroyed.
  std::unique_ptr<Service> serve(const std::string& url) {
    auto service = std::make_unique<Service>(loop.get_executor(), Config::listen({url}));
    service->log_to(logs.sink());
    service->on_event("load.event", [this](std::uint64_t event, Context& context) {
      ledger.handled(event, context.is_redelivered() || context.attempt() > 1);
    });
    service->on_request("load.request", [](std::uint64_t request) { return request; });
    run_until(loop, service->start());
    return service;
  }

  asio::io_context loop{1};
  LogCapture logs;
  Ledger ledger;
};

TEST_P(Outage, LosesNothingThatWasAcceptedAndEndsEveryCall) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  const char* const wanted = std::getenv("WAYBILL_OUTAGE_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 2;

  std::unique_ptr<OwnBroker> broker;
  std::string url = free_tcp_url();
  if (!carrier.broker.empty()) {
    const std::string others = broker_url(carrier.variable.c_str());
    WAYBILL_NEEDS_BROKER(others, carrier.variable);
    broker = std::make_unique<OwnBroker>(carrier.broker, carrier.variable);
    ASSERT_FALSE(broker->url().empty()) << "scripts/brokers.sh up " << carrier.broker << " failed";
    const char* const more = std::getenv("WAYBILL_OUTAGE_OPTIONS");
    url = broker->url() + carrier.options + (more ? more : "");
  }
  std::unique_ptr<Service> service = serve(url);
  Client client(loop.get_executor(), ClientConfig::from_url(url), default_registry(), logs.log());
  run_until(loop, client.connect());

  Load load(loop, client, ledger);
  load.start();
  const auto is_serving_since = [&](Clock::time_point moment) { return load.last_value_asked >= moment; };
  ASSERT_TRUE(eventually(loop, [&] { return load.accepted >= 200; })) << "the load never got going";
  IdleThread idle;
  const std::size_t threads = entries("/proc/self/task") - 1;
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t memory = resident_kib();
  milliseconds slowest_return{0};
  for (int kill = 0; kill < kills; ++kill) {
    ledger.outage_began();
    if (broker) {
      meanwhile(loop, [&broker] { broker->kill(); });
      meanwhile(loop, [&broker] { broker->start(); });
    } else {
      // A connection keeps its order: all that was sent before the outage is handled by then.
      ASSERT_TRUE(eventually(loop, [&, now = Clock::now()] { return is_serving_since(now); }));
      service->close();
      service.reset();
      service = serve(url);
    }
    const Clock::time_point back = Clock::now();
    ASSERT_TRUE(eventually(loop, std::chrono::seconds(60), [&] { return is_serving_since(back); }))
        << "not serving a minute after the broker accepts connections, kill " << kill << "; said so far:\n"
        << logs.last_lines();
    slowest_return = std::max(slowest_return, std::chrono::ceil<milliseconds>(Clock::now() - back));
    ledger.outage_ended();
    const std::size_t before = load.accepted;
    ASSERT_TRUE(eventually(loop, std::chrono::seconds(60), [&] { return load.accepted >= before + 100; }));
  }
  load.stop();
  ASSERT_TRUE(eventually(loop, std::chrono::seconds(40), [&] { return load.open == 0; })) << load.open << " calls open";
  if (!carrier.loses_in_outages) eventually(loop, [&] { return ledger.report().lost.empty(); });
  const milliseconds woken_late = idle.stop();

  const Ledger::Report report = ledger.report();
  std::cout << carrier.scheme << ", " << kills << " kills: " << report << "; serving again at most "
            << slowest_return.count() << " ms after the broker; the loop stood still for at most "
            << load.longest_pause.count() << " ms, and an idle thread was woken " << woken_late.count()
            << " ms late; memory grew from " << memory << " to " << resident_kib() << " KiB; " << load.never_left
            << " calls never left, and " << load.called_unknown << " of them said otherwise" << std::endl;
  if (carrier.loses_in_outages)
    EXPECT_TRUE(report.lost_outside.empty()) << report.lost_outside.size() << ", the first " << report.lost_outside[0];
  else
    EXPECT_TRUE(report.lost.empty()) << report.lost.size() << ", the first " << report.lost[0];
  EXPECT_TRUE(report.unmarked.empty()) << report.unmarked.size();
  EXPECT_TRUE(report.handled_unasked.empty()) << report.handled_unasked.size();
  EXPECT_EQ(load.called_unknown, 0u);
  EXPECT_TRUE(report.endless_events.empty());
  EXPECT_TRUE(report.endless_requests.empty());
  EXPECT_TRUE(report.answered_twice.empty());
  EXPECT_GT(report.values, 0u);
  EXPECT_TRUE(eventually(loop, [&] { return entries("/proc/self/task") <= threads; })) << "threads grow";
  EXPECT_TRUE(eventually(loop, [&] { return entries("/proc/self/fd") <= descriptors; })) << "descriptors grow";
  client.close();
  service->close();
  run_ready(loop);
}

INSTANTIATE_TEST_SUITE_P(Carriers, Outage, testing::ValuesIn(carriers_and_tcp()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
