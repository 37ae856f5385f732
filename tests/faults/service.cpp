// The service that faults are done to (scripts/faults.sh): handles the load, notes in a journal what it has handled, and
// has handlers that misbehave.
//
//   faults_service --journal FILE --url URL... [--hold MILLISECONDS]
//
// Journal: U time (up)   H event marked time (handled)   P attempt time (poison came)   G time (a handler hangs)
#include "journal.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;

struct NotAnException {};  // what a handler may throw all the same

class Program {
 public:
  Program(const std::string& journal, const std::vector<std::string>& urls, milliseconds hold)
      : journal_(journal), hold_(hold), service_(loop_.get_executor(), Config::listen(urls)) {
    service_.log_to(LogSink(log_with_time));
    handle_load();
    handle_faults();
  }

  int run() {
    int status = 0;
    asio::signal_set signals(loop_, SIGTERM, SIGINT);
    signals.async_wait([this](std::error_code ec, int) {
      if (!ec) service_.drain(std::chrono::seconds(10), [this](const Result<DrainReport>&) { loop_.stop(); });
    });
    service_.start([this, &status](const Result<void>& started) {
      if (started) {
        journal_.note("U", now_ms());
        return;
      }
      std::cerr << "did not start: " << started.error().message() << std::endl;
      status = 1;
      loop_.stop();
    });
    loop_.run();
    return status;
  }

 private:
  void handle_load() {
    service_.on_request("load.request", [](std::uint64_t request) { return request; });
    if (hold_.count() == 0) {
      service_.on_event("load.event", [this](std::uint64_t event, Context& context) { note(event, context); });
      return;
    }
    service_.on_event("load.event", [this](std::uint64_t event, Context& context) -> asio::awaitable<void> {
      asio::steady_timer timer(context.executor(), hold_);
      co_await timer.async_wait(asio::use_awaitable);
      note(event, context);
    });
  }
  void note(std::uint64_t event, const Context& context) {
    journal_.note("H", event, context.is_redelivered() || context.attempt() > 1 ? 1 : 0, now_ms());
  }

  void handle_faults() {
    service_.on_request("fault.echo", [](std::string text) { return text; });
    service_.on_request("fault.large", [](std::size_t bytes) { return std::string(bytes, 'x'); });
    service_.on_request("fault.header", [](std::size_t bytes, Context& context) {
      context.set_header("large", std::string(bytes, 'x'));
      return bytes;
    });
    service_.on_event("fault.poison", [this](const Payload&, Context& context) {
      journal_.note("P", context.attempt(), now_ms());
      throw std::runtime_error("poison");
    });
    const auto hang = [this](const Payload&, Context& context) -> asio::awaitable<void> {
      journal_.note("G", now_ms());
      asio::steady_timer never(context.executor(), asio::steady_timer::time_point::max());
      co_await never.async_wait(asio::use_awaitable);
    };
    service_.on_request("fault.hang", hang);
    service_.on_event("fault.hang_event", hang);
    service_.on_request("fault.block", [](int ms) { return ::poll(nullptr, 0, ms); });
    service_.on_request("fault.throw", [](int what) -> int { throw_what(what); });
    service_.on_request("fault.throw_later", [](int what, Context& context) -> asio::awaitable<int> {
      asio::steady_timer timer(context.executor(), milliseconds(1));
      co_await timer.async_wait(asio::use_awaitable);
      throw_what(what);
    });
    service_.on_event("fault.throw_event", [](int what) { throw_what(what); });
  }
  [[noreturn]] static void throw_what(int what) {
    switch (what % 4) {
      case 0: throw 42;
      case 1: throw "a text";
      case 2: throw NotAnException{};
      default: throw std::make_exception_ptr(std::runtime_error("within"));
    }
  }
  Journal journal_;
  milliseconds hold_;
  asio::io_context loop_{1};
  Service service_;
};

}  // namespace
}  // namespace waybill::test

int main(int count, char** arguments) {
  std::string journal;
  std::vector<std::string> urls;
  int hold = 0;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    if (name == "--journal") journal = arguments[i + 1];
    if (name == "--url") urls.emplace_back(arguments[i + 1]);
    if (name == "--hold") hold = std::atoi(arguments[i + 1]);
  }
  try {
    waybill::test::Program program(journal, urls, std::chrono::milliseconds(hold));
    return program.run();
  } catch (const std::exception& failure) {
    std::cerr << "ended by: " << failure.what() << std::endl;
    return 3;
  }
}
