// SIGTERM under load: what a service has taken it finishes, every caller hears of it, and run() ends by itself.
#include "support/broker_url.hpp"
#include "support/carriers.hpp"
#include "support/eventually.hpp"
#include "support/log_capture.hpp"
#include "support/not_applicable.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <set>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;

/// What the handlers of one or several services have done; any thread.
struct Work {
  std::atomic<std::size_t> begun{0}, finished{0}, requests_finished{0};
  std::mutex mutex;
  std::set<std::uint64_t> events;

  std::size_t events_handled() {
    const std::lock_guard lock(mutex);
    return events.size();
  }
};

/// A service with handlers that take some milliseconds, run by a thread of its own until SIGTERM.
class RunningService {
 public:
  RunningService(const std::string& url, Work& work) : service_(Config::listen({url})) {
    service_.log_to(logs.sink());
    service_.on_request("drain.request", [&work](std::uint64_t request) -> asio::awaitable<std::uint64_t> {
      ++work.begun;
      co_await a_while();
      ++work.finished;
      ++work.requests_finished;
      co_return request;
    });
    service_.on_event("drain.event", [&work](std::uint64_t event) -> asio::awaitable<void> {
      ++work.begun;
      co_await a_while();
      ++work.finished;
      const std::lock_guard lock(work.mutex);
      work.events.insert(event);
    });
    status_ = std::async(std::launch::async, [this] { return service_.run(); });
  }
  ~RunningService() {
    if (status_.valid()) ::kill(::getpid(), SIGTERM);
  }

  bool has_ended() { return status_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  int status() { return status_.get(); }

  LogCapture logs;

 private:
  static asio::awaitable<void> a_while() {
    asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(10));
    co_await waybill::detail::wait_quietly(timer);
  }
  Service service_;
  std::future<int> status_;
};

class Drain : public testing::TestWithParam<Carrier> {
 protected:
  asio::io_context loop{1};
};

TEST_P(Drain, SigtermUnderLoadFinishesWhatWasTaken) {
  const Carrier& carrier = GetParam();
  if (!is_built(carrier)) WAYBILL_NOT_APPLICABLE("built without " + carrier.scheme);
  std::string url = free_tcp_url();
  if (!carrier.variable.empty()) {
    url = broker_url(carrier.variable.c_str());
    WAYBILL_NEEDS_BROKER(url, carrier.variable);
    url += carrier.options;
  }
  Work work;
  RunningService service(url, work);
  ASSERT_TRUE(eventually(loop, [&] { return service.logs.contains("listening on"); }));
  LogCapture logs;
  Client client(loop.get_executor(), ClientConfig::from_url(url), default_registry(), logs.log());
  run_until(loop, client.connect());

  std::size_t open = 0;
  std::size_t values = 0;
  std::set<std::uint64_t> accepted;
  std::uint64_t last = 0;
  bool is_enough = false;
  const auto send = [&] {
    while (!is_enough && open < 64) {
      const std::uint64_t number = ++last;
      ++open;
      if (number % 2) {
        CallOptions options;
        options.timeout = std::chrono::seconds(5);
        client.request<std::uint64_t>("drain.request", number, options, [&](const Result<std::uint64_t>& value) {
          --open;
          if (value) ++values;
        });
      } else {
        client.emit("drain.event", number, [&, number](const Result<Accepted>& outcome) {
          --open;
          if (outcome) accepted.insert(number);
        });
      }
    }
  };
  const auto is_busy = [&] {
    send();
    return values >= 200 && accepted.size() >= 200 && work.events_handled() >= 100;
  };
  ASSERT_TRUE(eventually(loop, std::chrono::seconds(60), is_busy)) << values << " values";

  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  ASSERT_TRUE(eventually(loop, [&] {
    send();
    return service.has_ended();
  })) << "the service did not end";
  is_enough = true;
  EXPECT_EQ(service.status(), 0);
  EXPECT_EQ(work.begun, work.finished) << "handlers were abandoned";
  const std::size_t answered = work.requests_finished;
  EXPECT_TRUE(eventually(loop, [&] { return open == 0; })) << open << " calls have no end";
  EXPECT_EQ(values, answered) << "handlers finished whose callers heard nothing";
  EXPECT_TRUE(service.logs.contains("drained: ")) << "it does not say what it has done";

  if (!carrier.loses_in_outages) {
    RunningService heir(url, work);
    EXPECT_TRUE(eventually(loop, std::chrono::seconds(30), [&] {
      const std::lock_guard lock(work.mutex);
      return std::includes(work.events.begin(), work.events.end(), accepted.begin(), accepted.end());
    })) << "accepted events were lost";
    ::kill(::getpid(), SIGTERM);
    EXPECT_TRUE(eventually(loop, [&] { return heir.has_ended(); }));
    EXPECT_EQ(heir.status(), 0);
  }
  client.close();
  run_ready(loop);
}

INSTANTIATE_TEST_SUITE_P(Carriers, Drain, testing::ValuesIn(carriers_and_tcp()),
                         [](const auto& each) { return each.param.scheme; });

}  // namespace
}  // namespace waybill::test
