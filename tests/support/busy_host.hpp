// A host with threads whose services drain and close while callers of all sorts are at work, and leave in between.
#pragma once

#include "support/carriers.hpp"
#include "support/threaded_host.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>

#include <array>

namespace waybill::test {

/// What the callers of a busy host have seen. Any thread.
struct Seen {
  std::atomic<int> begun{0}, ended{0};  ///< Calls.
  std::atomic<int> right{0}, wrong{0};  ///< Values.
  std::atomic<int> failed{0};           ///< Calls that nobody has cancelled, while all was up.
  std::atomic<bool> is_all_up{true}, is_over{false};

  bool goes_on(const Error* error) {
    const bool is_left = error && (error->code() == errc::cancelled || error->code() == errc::closed);
    if (error && !is_left && is_all_up) ++failed;
    return !is_over && !(error && error->code() == errc::closed);
  }
};

/// Keeps a few requests and events open until all is over or its client is closed; cancels every fifth from a strand that
/// is not its client's.
class BusyCaller : public std::enable_shared_from_this<BusyCaller> {
 public:
  BusyCaller(Client& client, Seen& seen, asio::any_io_executor strand)
      : client_(client), seen_(seen), strand_(std::move(strand)) {}
  void start(int in_flight) {
    for (int i = 0; i < in_flight; ++i) asio::post(strand_, [self = shared_from_this()] { self->call(); });
  }

 private:
  void call() {
    static constexpr std::array<const char*, 3> k_patterns{"now", "later", "asks"};
    const int number = ++number_;
    const auto signal = std::make_shared<asio::cancellation_signal>();
    const auto bound = [&](auto handler) {
      return asio::bind_executor(strand_, asio::bind_cancellation_slot(signal->slot(), std::move(handler)));
    };
    ++seen_.begun;
    if (number % 7 == 0) {
      client_.emit("happened", number, bound([self = shared_from_this(), signal](const Result<Accepted>& result) {
                     self->ended(result ? nullptr : &result.error());
                   }));
    } else {
      auto done = [self = shared_from_this(), signal, number](const Result<int>& result) {
        if (result) ++(*result == number ? self->seen_.right : self->seen_.wrong);
        self->ended(result ? nullptr : &result.error());
      };
      client_.request<int>(k_patterns[static_cast<std::size_t>(number) % 3], number, bound(std::move(done)));
    }
    if (number % 5 == 0) asio::post(strand_, [signal] { signal->emit(asio::cancellation_type::all); });
  }
  void ended(const Error* error) {
    ++seen_.ended;
    if (seen_.goes_on(error)) asio::post(strand_, [self = shared_from_this()] { self->call(); });
  }
  Client& client_;
  Seen& seen_;
  asio::any_io_executor strand_;
  int number_ = 0;
};

/// Reads streams one after the other, every second one to its end; leaves the others, or cancels them.
inline asio::awaitable<void> read_streams(Client& client, Seen& seen) {
  constexpr int k_rows = 5;
  bool goes_on = true;
  for (int turn = 0; goes_on; ++turn) {
    ++seen.begun;
    std::optional<Error> error;
    auto rows = client.stream<int>("rows", k_rows);
    const int most = turn % 2 == 0 ? k_rows + 1 : 2;
    int count = 0;
    try {
      for (bool is_open = true; is_open && count < most;) {
        const std::optional<int> row = co_await rows.next();
        is_open = row.has_value();
        if (is_open) ++(*row == count++ ? seen.right : seen.wrong);
      }
    } catch (const Error& thrown) {
      error = thrown;
    }
    if (!error && most > k_rows && count != k_rows) ++seen.wrong;
    if (turn % 4 == 1) rows.cancel();
    ++seen.ended;
    goes_on = seen.goes_on(error ? &*error : nullptr);
  }
}

/// A client with open calls that goes, from a thread that is not its own.
inline void call_and_leave(Client client, Seen& seen) {
  std::vector<ReplyStream<int>> rows;
  for (int number = 0; number < 20; ++number) {
    seen.begun += 2;
    client.request<int>("later", number, [&seen, number](const Result<int>& result) {
      if (result && *result != number) ++seen.wrong;
      ++seen.ended;
    });
    rows.push_back(client.stream<int>("rows", number));
    rows.back().next([&seen](const Result<std::optional<int>>& row) {
      if (row && row->value_or(0) != 0) ++seen.wrong;
      ++seen.ended;
    });
    if (number % 3 == 0) rows.pop_back();
  }
}

/// `helper`: for handlers that ask others.
inline void add_busy_handlers(Service& service, Client& helper, std::atomic<int>& events) {
  service.on_request("now", [](int number) { return number; });
  service.on_request("later", [](int number, Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor(), std::chrono::milliseconds(1));
    co_await timer.async_wait();
    co_return number;
  });
  service.on_request(
      "asks", [&helper](int number) -> asio::awaitable<int> { co_return co_await helper.request<int>("now", number); });
  service.on_request("rows", [](int count, Context& context) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      Timer timer(context.executor(), std::chrono::milliseconds(i % 2));
      co_await timer.async_wait();
      co_yield i;
    }
  });
  service.on_event("happened", [&events](int, Context& context) -> asio::awaitable<void> {
    co_await asio::post(context.executor(), asio::use_awaitable);
    ++events;
  });
}

/// Services with handler threads come and go, one drained and one closed, under callers that do not stop for it: every
/// call ends once, no answer is another's, nothing is abandoned, and the loop ends when all is closed.
inline void come_and_go_on_a_busy_host(const std::string& url, std::shared_ptr<const Registry> registry,
                                       std::size_t threads) {
  LogCapture logs;
  Seen seen;
  std::atomic<int> events{0};
  ThreadedHost host(threads);
  asio::thread_pool pool(threads);
  const std::string where = url.rfind("tcp://", 0) == 0 ? free_tcp_url() : url;
  Service other(host.strand(), Config::listen({"memory://other"}), registry);
  other.log_to(logs.sink());
  other.on_request("now", [](int number) { return number; });
  other.start(asio::use_future).get();
  const auto helper = std::make_unique<Client>(host.strand(), ClientConfig::from_url("memory://other"), registry,
                                               logs.log(LogLevel::warning));
  const auto start_service = [&] {
    Config config = Config::listen({where});
    config.handler_threads = static_cast<unsigned>(threads);
    auto service = std::make_unique<Service>(host.strand(), config, registry);
    service->log_to(logs.sink());
    add_busy_handlers(*service, *helper, events);
    service->start(asio::use_future).get();
    return service;
  };
  const auto answers = [&seen](int more) {
    const int wanted = seen.right + more;
    return eventually(k_patience, [&] { return seen.right >= wanted; });
  };

  std::unique_ptr<Service> first = start_service();
  const ClientConfig config = ClientConfig::from_url(where);
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::future<void>> readers;
  for (int i = 0; i < 3; ++i) {
    const asio::any_io_executor executor = i < 2 ? host.strand() : asio::any_io_executor(pool.get_executor());
    clients.push_back(std::make_unique<Client>(executor, config, registry, logs.log(LogLevel::warning)));
    std::make_shared<BusyCaller>(*clients.back(), seen, host.strand())->start(8);
    const asio::any_io_executor reads_on = i == 0 ? clients.back()->executor() : host.strand();
    for (int reader = 0; reader < 2; ++reader)
      readers.push_back(asio::co_spawn(reads_on, read_streams(*clients.back(), seen), asio::use_future));
  }
  EXPECT_TRUE(answers(200)) << seen.right;
  for (int i = 0; i < 3; ++i) call_and_leave(Client(host.strand(), config, registry), seen);
  clients.front()->close();
  EXPECT_TRUE(answers(200)) << seen.right;
  EXPECT_EQ(seen.failed, 0) << "calls failed while nothing was down";

  seen.is_all_up = false;
  EXPECT_EQ(first->drain(std::chrono::seconds(10), asio::use_future).get().abandoned, 0u);
  first.reset();
  std::unique_ptr<Service> second = start_service();
  EXPECT_TRUE(answers(200)) << "the next service answered nobody";
  second->close();
  second.reset();
  seen.is_over = true;
  for (const auto& client : clients) client->close();
  helper->close();
  other.close();
  EXPECT_TRUE(eventually(k_patience, [&] { return seen.begun == seen.ended; })) << seen.begun << ", " << seen.ended;
  for (std::future<void>& reader : readers) reader.get();
  EXPECT_EQ(seen.wrong, 0) << "values were lost or mixed up";
  EXPECT_GT(events, 0);
  pool.join();
  host.join();
  EXPECT_EQ(seen.begun, seen.ended);
}

}  // namespace waybill::test
