// Connections of a service, of its client, or of both are cut again and again, at random moments of opening, and the broker is
// killed: after each, the service answers, and in the end everything that was accepted has been handled.
//
// WAYBILL_RANDOM_KILLS: how often connections are (20). WAYBILL_RANDOM_BROKER_KILLS: how often the broker is (2).
// WAYBILL_RANDOM_SEED: other moments (1). WAYBILL_RANDOM_OPTIONS: more options of both URLs, as &queue_type=quorum.
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
  /// The URLs of both sides, each through its proxy. Kafka's clients all go where the broker says, to one proxy.
  /// `own`: over a broker that may be killed. False: it did not come up.
  bool find_ways(bool own);
  void TearDown() override { ::unsetenv("WAYBILL_KAFKA_VIA"); }
  void begin();
  /// Ends the load, and looks at the books.
  void finish(const std::string& what);
  void pass(unsigned milli) {
    if (loop_.stopped()) loop_.restart();
    loop_.run_for(milliseconds(milli));
  }
  unsigned at_most(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }
  /// Cuts the connections of one side or of both, maybe inside a frame.
  void cut_some();
  void cut_all();
  /// A request that is made from now on is answered. False: not in a minute.
  bool is_answered();

  asio::io_context loop_{1};
  LogCapture logs_;
  Ledger ledger_;
  std::mt19937 random_;
  std::optional<OwnBroker> broker_;  ///< Kafka's always: it says where the proxy is.
  ChaosProxy to_service_{1};         ///< On TCP nobody goes this way: a service has no link of its own.
  ChaosProxy to_client_{1};
  std::string of_service_, of_client_;
  std::optional<Load> load_;  ///< Outlives the client, which ends its calls.
  std::optional<Service> service_;
  std::optional<Client> client_;
  std::vector<milliseconds> answered_after_;
};

bool RandomKills::find_ways(bool own) {
  const Carrier& carrier = GetParam();
  const char* const given_options = std::getenv("WAYBILL_RANDOM_OPTIONS");
  const std::string options = given_options ? given_options : "";
  if (carrier.broker.empty()) {
    of_service_ = "tcp://127.0.0.1:0";
    of_client_ = "tcp://127.0.0.1:" + std::to_string(to_client_.port()) + "/?timeout=1s" + options;
    return true;
  }
  if (carrier.scheme == "kafka") {
    const std::string via = "kafka://127.0.0.1:" + std::to_string(to_client_.port());
    ::setenv("WAYBILL_KAFKA_VIA", via.substr(8).c_str(), 1);  // until the end: a start reads it again
    broker_.emplace("kafka", carrier.variable);
    to_client_.retarget(broker_->port("kafka-via"));
    of_service_ = via + "/?groupId=" + fresh_name() + options;
    of_client_ = via + "/?timeout=1s" + options;
    return !broker_->url().empty();
  }
  if (own) broker_.emplace(carrier.broker, carrier.variable);
  const std::string given = own ? broker_->url() : broker_url(carrier.variable.c_str());
  if (given.empty()) return false;
  const Url url = Url::parse(given).value();
  const std::string login = url.user.empty() ? "" : url.user + ":" + url.password + "@";
  const std::string queue = (carrier.scheme == "amqp" ? "&queue=" + fresh_name() : "") + options;
  for (ChaosProxy* proxy : {&to_service_, &to_client_}) proxy->retarget(url.hosts.front().port);
  const std::string start = carrier.scheme + "://" + login + "127.0.0.1:";
  of_service_ = start + std::to_string(to_service_.port()) + (queue.empty() ? "" : "/?" + queue.substr(1));
  of_client_ = start + std::to_string(to_client_.port()) + "/?timeout=1s" + queue;
  return true;
}

void RandomKills::begin() {
  const unsigned seed = number_of("WAYBILL_RANDOM_SEED", 1);
  std::cout << GetParam().scheme << ": WAYBILL_RANDOM_SEED=" << seed << std::endl;
  random_.seed(seed);
  service_.emplace(loop_.get_executor(), Config::listen({of_service_}));
  service_->log_to(logs_.sink());
  service_->on_event("event", [this](std::uint64_t event, Context& context) {
    ledger_.handled(event, context.is_redelivered() || context.attempt() > 1);
  });
  service_->on_request("request", [](std::uint64_t request) { return request; });
  run_until(loop_, service_->start());
  if (GetParam().broker.empty())
    to_client_.retarget(Url::parse(service_->addresses().front()).value().hosts.front().port);
  client_.emplace(loop_.get_executor(), ClientConfig::from_url(of_client_), default_registry(), logs_.log());
  run_until(loop_, client_->connect());
  load_.emplace(loop_, *client_, ledger_);
}

void RandomKills::cut_some() {
  const unsigned who = at_most(2);
  const bool is_in_frame = at_most(3) == 0;
  for (ChaosProxy* proxy : {&to_service_, &to_client_}) {
    if (who != 2 && proxy != (who ? &to_service_ : &to_client_)) continue;
    if (is_in_frame)
      proxy->cut_after(at_most(400));
    else
      proxy->cut();
  }
}

void RandomKills::cut_all() {
  for (ChaosProxy* proxy : {&to_service_, &to_client_}) {
    proxy->cut_after(SIZE_MAX);  // never: this is the last one
    proxy->cut();
  }
}

bool RandomKills::is_answered() {
  const Clock::time_point since = Clock::now();
  if (!eventually(loop_, std::chrono::seconds(60), [&] { return load_->last_asked >= since; })) return false;
  answered_after_.push_back(std::chrono::ceil<milliseconds>(Clock::now() - since));
  return true;
}

void RandomKills::finish(const std::string& what) {
  const Carrier& carrier = GetParam();
  load_->stop();
  ASSERT_TRUE(eventually(loop_, std::chrono::seconds(40), [&] { return load_->open == 0; }))
      << load_->open << " calls open";
  if (!carrier.loses_in_outages) eventually(loop_, [&] { return ledger_.report().lost.empty(); });

  std::sort(answered_after_.begin(), answered_after_.end());
  const std::size_t times = answered_after_.size();
  const Ledger::Report report = ledger_.report();
  std::cout << carrier.scheme << ", " << times << what << ": answered after " << answered_after_[times / 2].count()
            << " ms (median), " << answered_after_[times * 95 / 100].count() << " ms (p95), "
            << answered_after_.back().count() << " ms (latest); " << report << std::endl;
  EXPECT_TRUE(carrier.loses_in_outages || report.lost.empty()) << report.lost.size();
  EXPECT_TRUE(report.unmarked.empty()) << report.unmarked.size();
  EXPECT_TRUE(report.handled_unasked.empty()) << report.handled_unasked.size();
  EXPECT_TRUE(report.endless_events.empty());
  EXPECT_TRUE(report.endless_requests.empty());
  EXPECT_TRUE(report.answered_twice.empty());
  client_->close();
  service_->close();
  run_ready(loop_);
}

TEST_P(RandomKills, TheServiceAnswersAfterEach) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  const std::string given = carrier.broker.empty() ? "none" : broker_url(carrier.variable.c_str());
  WAYBILL_NEEDS_BROKER(given, carrier.variable);
  ASSERT_TRUE(find_ways(false));
  begin();
  const unsigned kills = std::max(1u, number_of("WAYBILL_RANDOM_KILLS", 20));
  for (unsigned kill = 0; kill < kills; ++kill) {
    pass(at_most(30));
    for (unsigned more = at_most(3) + 1; more > 0; --more) {  // the next ones meet what is opening
      cut_some();
      pass(at_most(40));
    }
    cut_all();
    ASSERT_TRUE(is_answered()) << "not answered a minute after kill " << kill << "; " << logs_.last_lines();
  }
  finish(" kills");
}

TEST_P(RandomKills, TheServiceAnswersAfterTheBrokerWasKilled) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  if (carrier.broker.empty()) WAYBILL_NOT_APPLICABLE("no broker");
  WAYBILL_NEEDS_BROKER(broker_url(carrier.variable.c_str()), carrier.variable);
  ASSERT_TRUE(find_ways(true));
  begin();
  // RabbitMQ that is killed right after the declaration of a quorum queue gives it no leader any more.
  if (carrier.scheme == "amqp") pass(2000);
  const unsigned kills = std::max(1u, number_of("WAYBILL_RANDOM_BROKER_KILLS", 2));
  for (unsigned kill = 0; kill < kills; ++kill) {
    for (unsigned again = at_most(3) == 0 ? 2 : 1; again > 0; --again) {  // the second one meets what is opening
      pass(at_most(300));
      meanwhile(loop_, [this] { broker_->kill(); });
      pass(at_most(500));
      meanwhile(loop_, [this] { broker_->start(); });
    }
    for (unsigned more = at_most(2); more > 0; --more) {
      cut_some();
      pass(at_most(40));
    }
    cut_all();
    ASSERT_TRUE(is_answered()) << "not answered a minute after kill " << kill << "; " << logs_.last_lines();
  }
  finish(" kills of the broker");
}

INSTANTIATE_TEST_SUITE_P(Carriers, RandomKills, testing::ValuesIn(carriers_and_tcp()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
