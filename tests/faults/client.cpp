// The load that faults are done to (scripts/faults.sh): clients that send events and requests steadily, and note in a
// journal what becomes of each.
//
//   faults_client --journal FILE --url URL [--clients N] [--events PER-SECOND] [--requests PER-SECOND] [--timeout MS]
//
// Commands, a line each on standard input:
//   call NAME request|event PATTERN BYTES [HEADER-BYTES]    a text of so many bytes, or with BYTES "=N" that number
//   stop      no more load; ends when every call has ended, at most after 60 s
//
// Journal: A event time   E event a|r|u code time   Q request time   V request time   F request r|u code time
//          D request late stolen: how late it ended beyond its deadline, and how much of that no processor was free
//          S client status time   X name ok|r|u code time (a call by command)   B time (all clients have a link)
//          O open time (calls without an end, at the end)
#include "journal.hpp"
#include "waybill/waybill.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <sstream>

namespace waybill::test {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string journal, url;
  std::size_t clients = 4, events = 200, requests = 100;
  milliseconds timeout{2000};
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), journal_(options.journal), tick_(loop_), input_(loop_, ::dup(STDIN_FILENO)) {
    for (std::size_t i = 0; i < options.clients; ++i) {
      clients_.push_back(std::make_unique<Client>(loop_.get_executor(), ClientConfig::from_url(options.url),
                                                  default_registry(), Log(LogSink(log_with_time), LogLevel::info)));
    }
    statuses_.resize(options.clients, Status::idle);
  }

  void run() {
    read_command();
    for (auto& client : clients_) connect(*client);
    loop_.run();
    for (auto& client : clients_) client->close();
    loop_.restart();
    loop_.run_for(std::chrono::seconds(1));
    journal_.note("O", open_, now_ms());
  }

 private:
  void connect(Client& client) {
    client.connect([this, &client](const Result<void>& connected) {
      if (!connected) {
        if (!is_stopping_) connect(client);
        return;
      }
      if (++connected_ < clients_.size()) return;
      journal_.note("B", now_ms());
      last_tick_ = now_ms();
      tick();
    });
  }

  void tick() {
    if (is_stopping_) return;
    const double now = now_ms();
    delays_.push_back({now, delay_.ms()});
    while (delays_.front().at < now - 10'000) delays_.pop_front();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const Status status = clients_[i]->status();
      if (std::exchange(statuses_[i], status) != status) journal_.note("S", i, name_of(status), now);
    }
    // As many as are due, but no burst after a pause of the loop.
    const auto add = [seconds = (now - std::exchange(last_tick_, now)) / 1000](double& debt, std::size_t each_second) {
      const auto rate = static_cast<double>(each_second);
      debt = std::min(debt + seconds * rate, rate / 20 + 1);
    };
    add(event_debt_, options_.events);
    add(request_debt_, options_.requests);
    for (; event_debt_ >= 1; event_debt_ -= 1) emit(++last_event_);
    for (; request_debt_ >= 1; request_debt_ -= 1) ask(++last_request_);
    tick_.expires_after(milliseconds(5));
    tick_.async_wait([this](std::error_code ec) {
      if (!ec) tick();
    });
  }

  Client& of(std::uint64_t number) { return *clients_[number % clients_.size()]; }

  void emit(std::uint64_t event) {
    journal_.note("A", event, now_ms());
    ++open_;
    of(event).emit("load.event", event, [this, event](const Result<Accepted>& outcome) {
      --open_;
      if (outcome)
        journal_.note("E", event, "a", "-", now_ms());
      else
        journal_.note("E", event, end_of(outcome.error()), why(outcome.error()), now_ms());
    });
  }
  void ask(std::uint64_t request) {
    const double asked = now_ms();
    journal_.note("Q", request, asked);
    ++open_;
    CallOptions options;
    options.timeout = options_.timeout;
    of(request).request<std::uint64_t>(
        "load.request", request, options, [this, request, asked](const Result<std::uint64_t>& value) {
          --open_;
          note_late(request, asked + static_cast<double>(options_.timeout.count()));
          if (value && *value == request)
            journal_.note("V", request, now_ms());
          else if (value)
            journal_.note("F", request, "u", "another_value", now_ms());
          else
            journal_.note("F", request, end_of(value.error()), why(value.error()), now_ms());
        });
  }
  static std::string why(const Error& error) { return error.code().default_error_condition().message(); }
  static std::string_view end_of(const Error& error) { return error.end() == End::rejected ? "r" : "u"; }

  void note_late(std::uint64_t request, double deadline) {
    const double late = now_ms() - deadline;
    if (late <= 0) return;
    double before = 0;
    for (const auto& each : delays_) {
      if (each.at > deadline) break;
      before = each.delay;
    }
    journal_.note("D", request, late, delay_.ms() - before);
  }

  void read_command() {
    asio::async_read_until(input_, asio::dynamic_buffer(commands_), '\n',
                           [this](std::error_code ec, std::size_t bytes) {
                             std::istringstream words(commands_.substr(0, bytes));
                             commands_.erase(0, bytes);
                             std::string command;
                             words >> command;
                             if (ec || command == "stop") return stop();
                             if (command == "call") call(words);
                             read_command();
                           });
  }
  void call(std::istringstream& words) {
    std::string name, kind, pattern, body;
    std::size_t header = 0;
    words >> name >> kind >> pattern >> body >> header;
    CallOptions options;
    options.timeout = options_.timeout;
    if (header > 0) options.headers.set("large", std::string(header, 'x'));
    ++open_;
    const auto note = [this, name](const auto& outcome) {
      --open_;
      if (outcome)
        journal_.note("X", name, "ok", "-", now_ms());
      else
        journal_.note("X", name, end_of(outcome.error()), why(outcome.error()), now_ms());
    };
    const auto send = [&](const auto& value) {
      if (kind == "event")
        clients_.front()->emit(pattern, value, options, note);
      else
        clients_.front()->request<Payload>(pattern, value, options, note);
    };
    if (body.starts_with('='))
      send(std::strtol(body.c_str() + 1, nullptr, 10));
    else
      send(std::string(std::strtoul(body.c_str(), nullptr, 10), 'x'));
  }
  void stop() {
    is_stopping_ = true;
    tick_.cancel();
    wait_for_ends(now_ms() + 60'000);
  }
  void wait_for_ends(double until) {
    if (open_ == 0 || now_ms() > until) return loop_.stop();
    tick_.expires_after(milliseconds(20));
    tick_.async_wait([this, until](std::error_code) { wait_for_ends(until); });
  }

  struct Delay {
    double at, delay;
  };
  Options options_;
  Journal journal_;
  asio::io_context loop_{1};
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Status> statuses_;
  asio::steady_timer tick_;
  asio::posix::stream_descriptor input_;
  std::string commands_;
  RunQueueDelay delay_;
  std::deque<Delay> delays_;
  double last_tick_ = 0, event_debt_ = 0, request_debt_ = 0;
  std::uint64_t last_event_ = 0, last_request_ = 0;
  std::size_t connected_ = 0, open_ = 0;
  bool is_stopping_ = false;
};

}  // namespace
}  // namespace waybill::test

int main(int count, char** arguments) {
  waybill::test::Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const auto number = static_cast<std::size_t>(std::strtoul(arguments[i + 1], nullptr, 10));
    if (name == "--journal") options.journal = arguments[i + 1];
    if (name == "--url") options.url = arguments[i + 1];
    if (name == "--clients") options.clients = number;
    if (name == "--events") options.events = number;
    if (name == "--requests") options.requests = number;
    if (name == "--timeout") options.timeout = std::chrono::milliseconds(number);
  }
  try {
    waybill::test::Load load(options);
    load.run();
  } catch (const std::exception& failure) {
    std::cerr << "ended by: " << failure.what() << std::endl;
    return 3;
  }
}
