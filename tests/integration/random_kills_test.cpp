// Connections of a service, of its client, or of both are cut again and again, at random moments of opening: after each, the
// service answers, and in the end everything that was accepted has been handled.
//
// WAYBILL_RANDOM_KILLS: how often (20). WAYBILL_RANDOM_SEED: other moments (1).
#include "support/broker_url.hpp"
#include "support/carriers.hpp"
#include "support/chaos_proxy.hpp"
#include "support/eventually.hpp"
#include "support/ledger.hpp"
#include "support/log_capture.hpp"
#include "support/not_applicable.hpp"
#include "support/own_broker.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <vector>

namespace waybill::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

unsigned number_of(const char* variable, unsigned otherwise) {
  const char* const text = std::getenv(variable);
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// A request and an event every two milliseconds, and what becomes of them.
class Load {
 public:
  Load(asio::io_context& loop, Client& client, Ledger& ledger) : client_(client), ledger_(ledger), timer_(loop) {
    tick();
  }
  void stop() {
    is_stopped_ = true;
    timer_.cancel();
  }
  std::size_t open = 0;          ///< Calls without an end.
  Clock::time_point last_asked;  ///< Of what has been answered.

 private:
  void tick() {
    if (is_stopped_) return;
    emit(++last_);
    ask(last_);
    timer_.expires_after(milliseconds(2));
    timer_.async_wait([this](std::error_code ec) {
      if (!ec) tick();
    });
  }
  void emit(std::uint64_t event) {
    ++open;
    ledger_.attempted(event);
    client_.emit("event", event, [this, event](const Result<Accepted>& outcome) {
      --open;
      ledger_.ended(event, outcome);
    });
  }
  void ask(std::uint64_t request) {
    ++open;
    ledger_.asked(request);
    const Clock::time_point asked = Clock::now();
    client_.request<std::uint64_t>("request", request, [this, request, asked](const Result<std::uint64_t>& value) {
      --open;
      const bool is_right = value && *value == request;
      if (is_right) last_asked = std::max(last_asked, asked);
      ledger_.answered(request, is_right, milliseconds(0));
    });
  }

  Client& client_;
  Ledger& ledger_;
  asio::steady_timer timer_;
  std::uint64_t last_ = 0;
  bool is_stopped_ = false;
};

class RandomKills : public testing::TestWithParam<Carrier> {
 protected:
  /// The URLs of both sides, each through its proxy. Kafka's clients all go where the broker says, to one proxy. Empty: no broker.
  bool find_ways();

  asio::io_context loop_{1};
  LogCapture logs_;
  Ledger ledger_;
  std::optional<OwnBroker> broker_;  ///< Kafka's: it says where the proxy is.
  ChaosProxy to_service_{1};         ///< On TCP nobody goes this way: a service has no link of its own.
  ChaosProxy to_client_{1};
  std::string of_service_, of_client_;
};

bool RandomKills::find_ways() {
  const Carrier& carrier = GetParam();
  if (carrier.broker.empty()) {
    of_service_ = "tcp://127.0.0.1:0";
    of_client_ = "tcp://127.0.0.1:" + std::to_string(to_client_.port()) + "/?timeout=1s";
    return true;
  }
  const std::string given = broker_url(carrier.variable.c_str());
  if (given.empty()) return false;
  if (carrier.scheme == "kafka") {
    const std::string own = "kafka://127.0.0.1:" + std::to_string(to_client_.port());
    ::setenv("WAYBILL_KAFKA_VIA", own.substr(8).c_str(), 1);
    broker_.emplace("kafka", carrier.variable);
    ::unsetenv("WAYBILL_KAFKA_VIA");
    to_client_.retarget(broker_->port("kafka-via"));
    of_service_ = own + "/?groupId=" + fresh_name();
    of_client_ = own + "/?timeout=1s";
    return !broker_->url().empty();
  }
  const Url url = Url::parse(given).value();
  const std::string login = url.user.empty() ? "" : url.user + ":" + url.password + "@";
  const std::string queue = carrier.scheme == "amqp" ? "queue=" + fresh_name() : "";
  for (ChaosProxy* proxy : {&to_service_, &to_client_}) proxy->retarget(url.hosts.front().port);
  const std::string start = carrier.scheme + "://" + login + "127.0.0.1:";
  of_service_ = start + std::to_string(to_service_.port()) + "/?" + queue;
  of_client_ = start + std::to_string(to_client_.port()) + "/?timeout=1s" + (queue.empty() ? "" : "&" + queue);
  return true;
}

TEST_P(RandomKills, TheServiceAnswersAfterEach) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  const std::string given = carrier.broker.empty() ? "none" : broker_url(carrier.variable.c_str());
  WAYBILL_NEEDS_BROKER(given, carrier.variable);
  ASSERT_TRUE(find_ways());
  const unsigned kills = std::max(1u, number_of("WAYBILL_RANDOM_KILLS", 20));
  const unsigned seed = number_of("WAYBILL_RANDOM_SEED", 1);
  std::cout << carrier.scheme << ": WAYBILL_RANDOM_SEED=" << seed << std::endl;
  std::mt19937 random(seed);
  const auto at_most = [&random](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };

  Service service(loop_.get_executor(), Config::listen({of_service_}));
  service.log_to(logs_.sink());
  service.on_event("event", [this](std::uint64_t event, Context& context) {
    ledger_.handled(event, context.is_redelivered() || context.attempt() > 1);
  });
  service.on_request("request", [](std::uint64_t request) { return request; });
  run_until(loop_, service.start());
  if (carrier.broker.empty()) to_client_.retarget(Url::parse(service.addresses().front()).value().hosts.front().port);
  Client client(loop_.get_executor(), ClientConfig::from_url(of_client_), default_registry(), logs_.log());
  run_until(loop_, client.connect());
  Load load(loop_, client, ledger_);

  const auto pass = [&](unsigned milli) {
    if (loop_.stopped()) loop_.restart();
    loop_.run_for(milliseconds(milli));
  };
  std::vector<milliseconds> answered_after;
  for (unsigned kill = 0; kill < kills; ++kill) {
    pass(at_most(30));
    for (unsigned more = at_most(3) + 1; more > 0; --more) {  // the next ones meet what is opening
      const unsigned who = at_most(2);
      const bool is_in_frame = at_most(3) == 0;
      for (ChaosProxy* proxy : {&to_service_, &to_client_}) {
        if (who != 2 && proxy != (who ? &to_service_ : &to_client_)) continue;
        if (is_in_frame)
          proxy->cut_after(at_most(400));
        else
          proxy->cut();
      }
      pass(at_most(40));
    }
    for (ChaosProxy* proxy : {&to_service_, &to_client_}) {
      proxy->cut_after(SIZE_MAX);  // never: this is the last one
      proxy->cut();
    }
    const Clock::time_point last = Clock::now();
    ASSERT_TRUE(eventually(loop_, std::chrono::seconds(60), [&] { return load.last_asked >= last; }))
        << "not answered a minute after kill " << kill << "; " << logs_.last_lines();
    answered_after.push_back(std::chrono::ceil<milliseconds>(Clock::now() - last));
  }
  load.stop();
  ASSERT_TRUE(eventually(loop_, std::chrono::seconds(40), [&] { return load.open == 0; }))
      << load.open << " calls open";
  if (!carrier.loses_in_outages) eventually(loop_, [&] { return ledger_.report().lost.empty(); });

  std::sort(answered_after.begin(), answered_after.end());
  const Ledger::Report report = ledger_.report();
  std::cout << carrier.scheme << ", " << kills << " kills: answered after " << answered_after[kills / 2].count()
            << " ms (median), " << answered_after[kills * 95 / 100].count() << " ms (p95), "
            << answered_after.back().count() << " ms (latest); " << report << std::endl;
  EXPECT_TRUE(carrier.loses_in_outages || report.lost.empty()) << report.lost.size();
  EXPECT_TRUE(report.unmarked.empty()) << report.unmarked.size();
  EXPECT_TRUE(report.handled_unasked.empty()) << report.handled_unasked.size();
  EXPECT_TRUE(report.endless_events.empty());
  EXPECT_TRUE(report.endless_requests.empty());
  EXPECT_TRUE(report.answered_twice.empty());
  client.close();
  service.close();
  run_ready(loop_);
}

INSTANTIATE_TEST_SUITE_P(Carriers, RandomKills, testing::ValuesIn(carriers_and_tcp()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
