// What an observer is told of calls, messages and links.
#include "support/eventually.hpp"
#include "waybill/testing.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/use_future.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace waybill {
namespace {

using namespace std::chrono_literals;

/// Writes down all that it is told, and keeps the books of what is open.
class Diary : public Observer {
 public:
  std::vector<std::string> lines;
  std::set<std::uint64_t> open_calls;
  std::set<std::uint64_t> open_messages;
  std::chrono::nanoseconds took{};

  void call_began(const ObservedCall& call) noexcept override {
    EXPECT_TRUE(call.number == 0 || open_calls.insert(call.number).second);
    lines.push_back(std::string(call.is_request ? "request " : "event ") + std::string(call.pattern));
  }
  void call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds time) noexcept override {
    EXPECT_TRUE(call.number == 0 || open_calls.erase(call.number) == 1);
    took = time;
    lines.push_back("ended " + std::string(call.pattern) + (error ? ": " + error->code().message() : std::string()));
  }
  void message_came(const ObservedMessage& message) noexcept override {
    EXPECT_TRUE(open_messages.insert(message.number).second);
    lines.push_back("came " + std::string(message.pattern) + " " + std::to_string(message.attempt));
  }
  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds time) noexcept override {
    EXPECT_TRUE(open_messages.contains(message.number)) << "handled before it came, or after it was settled";
    took = time;
    lines.push_back("handled " + std::string(message.pattern) + (error ? ", failed" : ""));
  }
  void message_settled(const ObservedMessage& message, Fate fate) noexcept override {
    EXPECT_EQ(open_messages.erase(message.number), 1u);
    const char* const fates[] = {"acknowledged", "retried", "parked", "dropped"};
    lines.push_back(fates[static_cast<int>(fate)] + (" " + std::string(message.pattern)));
  }
  void link_changed(std::string_view, Status status) noexcept override { links.push_back(status); }
  void bound_reached(std::string_view, std::string_view bound) noexcept override {
    lines.push_back("bound " + std::string(bound));
  }
  std::vector<Status> links;
};

struct Rig {
  TestBed bed;
  std::shared_ptr<Diary> calls = std::make_shared<Diary>();
  std::shared_ptr<Diary> messages = std::make_shared<Diary>();
  std::optional<Service> service;
  std::optional<Client> client;

  explicit Rig(std::string_view options = "attempts=2&backoff=10ms&dead_letter=dead") {
    service.emplace(bed.executor(), bed.config(options), bed.registry());
    service->observe(messages);
    client.emplace(bed.executor(), bed.client_config(), bed.registry(), bed.log());
    client->observe(calls);
  }
  void start() { bed.run(service->start()); }
};

using Lines = std::vector<std::string>;

TEST(Observed, ARequestFromItsCallToItsSettlement) {
  Rig rig;
  rig.service->on_request("double", [](int x) { return 2 * x; });
  rig.start();
  EXPECT_EQ(rig.bed.run(rig.client->request<int>("double", 21)), 42);
  EXPECT_EQ(rig.calls->lines, (Lines{"request double", "ended double"}));
  EXPECT_EQ(rig.messages->lines, (Lines{"came double 1", "handled double", "acknowledged double"}));
}

TEST(Observed, TheTimeThatAHandlerTakes) {
  Rig rig;
  rig.service->on_request("slow", [](Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor());
    timer.expires_after(250ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 1;
  });
  rig.start();
  rig.bed.run(rig.client->request<int>("slow", 0));
  EXPECT_EQ(rig.messages->took, 250ms);
  EXPECT_GE(rig.calls->took, 250ms);
}

TEST(Observed, AnErrorOfTheOtherSideIsTheEndOfACall) {
  Rig rig;
  rig.service->on_request("fail", [](int) -> int { throw Error("E42", "sold out"); });
  rig.start();
  EXPECT_THROW(rig.bed.run(rig.client->request<int>("fail", 1)), Error);
  EXPECT_THROW(rig.bed.run(rig.client->request<int>("nobody", 1)), Error);
  ASSERT_EQ(rig.calls->lines.size(), 4u);
  EXPECT_EQ(rig.calls->lines[1].find("ended fail: "), 0u);
  EXPECT_EQ(rig.calls->lines[3].find("ended nobody: "), 0u);
  EXPECT_EQ(rig.messages->lines, (Lines{"came fail 1", "handled fail, failed", "acknowledged fail"}));
}

TEST(Observed, APatternThatNobodyHandlesIsNoLabel) {
  asio::io_context loop;
  Service service(loop.get_executor(), Config::listen({"tcp://127.0.0.1:0"}));
  const auto diary = std::make_shared<Diary>();
  service.observe(diary);
  service.on_request("double", [](int x) { return 2 * x; });
  auto started = asio::co_spawn(loop, service.start(), asio::use_future);
  ASSERT_TRUE(test::eventually(loop, [&] { return !service.addresses().empty(); }));
  Client client(loop.get_executor(), service.addresses().front());
  bool is_answered = false;
  client.request<int>("made up by a stranger", 1, [&](Result<int> outcome) { is_answered = !outcome; });
  ASSERT_TRUE(test::eventually(loop, [&] { return is_answered; }));
  EXPECT_EQ(diary->lines, (Lines{"came  1", "dropped "}));
  client.close();
  service.close();
  loop.run_for(5s);
}

TEST(Observed, AStreamThatIsGivenUpEndsAtItsService) {
  for (const char* url : {"memory://observed", "tcp://127.0.0.1:0"}) {
    asio::io_context loop;
    Service service(loop.get_executor(), Config::listen({url}));
    const auto diary = std::make_shared<Diary>();
    service.observe(diary);
    auto alive = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = alive;
    service.on_request("endless", [&alive](int) -> Stream<int> {
      const auto held = std::move(alive);
      for (;;) co_yield ++*held;
    });
    auto started = asio::co_spawn(loop, service.start(), asio::use_future);
    ASSERT_TRUE(test::eventually(loop, [&] { return !service.addresses().empty(); }));
    Client client(loop.get_executor(), service.addresses().front());
    {
      auto stream = client.stream<int>("endless", 1);
      auto first = asio::co_spawn(loop, stream.next(), asio::use_future);
      ASSERT_TRUE(test::eventually(loop, [&] { return first.wait_for(0s) == std::future_status::ready; })) << url;
      EXPECT_EQ(first.get(), 1);
      stream.cancel();
      EXPECT_TRUE(test::eventually(loop, [&] { return watched.expired() && diary->open_messages.empty(); })) << url;
    }
    client.close();
    service.close();
    loop.run_for(5s);
  }
}

TEST(Observed, MessagesThatComeInOneReadAreToldOfOneByOne) {
  asio::io_context loop;
  Service service(loop.get_executor(), Config::listen({"tcp://127.0.0.1:0"}));
  const auto diary = std::make_shared<Diary>();
  service.observe(diary);
  service.on_request("double", [](int x) { return 2 * x; });
  auto started = asio::co_spawn(loop, service.start(), asio::use_future);
  ASSERT_TRUE(test::eventually(loop, [&] { return !service.addresses().empty(); }));
  Client client(loop.get_executor(), service.addresses().front() + "?framing=binary");
  int answers = 0;
  const auto count = [&](const Result<int>& one) { answers += one.has_value(); };
  client.request<int>("double", 0, count);  // by then both sides know each other
  ASSERT_TRUE(test::eventually(loop, [&] { return answers == 1; }));
  asio::post(loop, [&] {
    for (int i = 1; i < 20; ++i) client.request<int>("double", i, count);
  });
  ASSERT_TRUE(test::eventually(loop, [&] { return answers == 20; }));
  EXPECT_EQ(diary->lines.size(), 60u) << "each comes, is handled and is settled, once";
  EXPECT_TRUE(diary->open_messages.empty());
  client.close();
  service.close();
  loop.run_for(5s);
}

TEST(Observed, AnEventThatFailsUntilItIsParked) {
  Rig rig;
  rig.service->on_event("sick.*", [](int) { throw std::runtime_error("always"); });
  rig.start();
  rig.client->emit("sick.note", 1, asio::detached);
  ASSERT_TRUE(rig.bed.eventually([&] { return !rig.bed.dead_letters("dead").empty(); }));
  rig.bed.settle();
  EXPECT_EQ(rig.messages->lines, (Lines{"came sick.* 1", "handled sick.*, failed", "retried sick.*", "came sick.* 2",
                                        "handled sick.*, failed", "parked sick.*"}));
  EXPECT_EQ(rig.calls->lines, (Lines{"event sick.note", "ended sick.note"}));
}

TEST(Observed, AnEventThatIsDropped) {
  Rig rig("attempts=1");
  rig.service->on_event("sick", [](int) { throw std::runtime_error("always"); });
  rig.start();
  rig.client->emit("sick", 1, asio::detached);
  ASSERT_TRUE(rig.bed.eventually([&] { return rig.messages->lines.size() == 3; }));
  EXPECT_EQ(rig.messages->lines.back(), "dropped sick");
}

TEST(Observed, EachCallEndsOnceWhateverEndsIt) {
  Rig rig;
  rig.service->on_request("never", [](Context& context) -> asio::awaitable<void> {
    Timer timer(context.executor());
    timer.expires_after(1h);
    co_await timer.async_wait(asio::use_awaitable);
  });
  rig.start();
  CallOptions short_one;
  short_one.timeout = 50ms;
  rig.client->request<int>("never", 1, short_one, [](Result<int>) {});
  rig.client->request<int>("never", 2, [](Result<int>) {});
  { const auto dropped = rig.client->stream<int>("never", 3); }
  asio::cancellation_signal cancel;
  rig.client->request<int>("never", 4, asio::bind_cancellation_slot(cancel.slot(), [](Result<int>) {}));
  rig.bed.settle();
  cancel.emit(asio::cancellation_type::terminal);
  rig.bed.advance(100ms);
  rig.client->close();
  rig.bed.settle();
  EXPECT_TRUE(rig.calls->open_calls.empty());
  EXPECT_EQ(std::count(rig.calls->lines.begin(), rig.calls->lines.end(), "request never"), 4);
  EXPECT_EQ(rig.calls->links.back(), Status::closed);
}

TEST(Observed, ACallThroughMiddlewareIsOneCall) {
  Rig rig;
  int runs = 0;
  rig.service->on_request("flaky", [&runs](int x) {
    if (++runs < 2) throw Error("E1", "not now");
    return x;
  });
  rig.client->use({"twice", [](Context&, Next next) -> asio::awaitable<Result<void>> {
                     Result<void> outcome = co_await next();
                     if (!outcome) outcome = co_await next();
                     co_return outcome;
                   }});
  rig.start();
  EXPECT_EQ(rig.bed.run(rig.client->request<int>("flaky", 7)), 7);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(rig.calls->lines, (Lines{"request flaky", "ended flaky"}));
}

TEST(Observed, HandlersOnAPoolAreToldOfOnTheLoop) {
  TestBed bed;
  const auto diary = std::make_shared<Diary>();
  Config config = bed.config("attempts=1");
  config.handler_threads = 2;
  Service service(bed.executor(), config, bed.registry());
  service.observe(diary);
  service.on_request("double", [](int x) { return 2 * x; });
  bed.run(service.start());
  Client client = bed.client();
  int answers = 0;
  for (int i = 0; i < 20; ++i) client.request<int>("double", i, [&](Result<int> one) { answers += one.has_value(); });
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  const auto is_over = [&] { return diary->lines.size() >= 60 && answers == 20; };
  while (!is_over() && std::chrono::steady_clock::now() < give_up) bed.loop().run_for(10ms);
  EXPECT_EQ(answers, 20);
  EXPECT_TRUE(diary->open_messages.empty());
  EXPECT_EQ(diary->lines.size(), 60u);
}

TEST(Observed, LinksAndBounds) {
  Rig rig;
  rig.service->on_request("double", [](int x) { return 2 * x; });
  rig.start();
  rig.bed.run(rig.client->connect());
  rig.bed.broker().disconnect();
  ASSERT_TRUE(rig.bed.eventually([&] { return rig.calls->links.size() >= 3 && rig.messages->links.size() >= 2; }));
  EXPECT_EQ(rig.calls->links[0], Status::connecting);
  EXPECT_EQ(rig.calls->links[1], Status::ready);
  EXPECT_EQ(rig.calls->links[2], Status::interrupted);
  EXPECT_EQ(rig.messages->links[0], Status::ready);
  EXPECT_EQ(rig.messages->links[1], Status::interrupted);

  ClientConfig config = ClientConfig::from_url("memory://nowhere");
  config.max_queued_bytes = 1'000;
  Client queued(rig.bed.executor(), config, rig.bed.registry());
  const auto diary = std::make_shared<Diary>();
  queued.observe(diary);
  queued.request<int>("double", std::string(2'000, 'x'), [](Result<int>) {});
  rig.bed.settle();
  EXPECT_EQ(diary->lines[1], "bound max_queued");
}

/// Gives each source an observer of its own.
struct Shards : Observer {
  std::vector<std::string> sources;
  std::vector<std::shared_ptr<Diary>> diaries;
  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override {
    std::string line = source.kind == ObservedSource::Kind::client ? "client " : "listener ";
    line += source.url;
    for (const std::string& route : source.routes) line += ' ' + route;
    sources.push_back(line);
    diaries.push_back(std::make_shared<Diary>());
    return diaries.back();
  }
  void message_came(const ObservedMessage&) noexcept override { ADD_FAILURE() << "told instead of its own"; }
};

TEST(Observed, AnObserverMayGiveEachSourceOneOfItsOwn) {
  Rig rig;
  const auto shards = std::make_shared<Shards>();
  rig.service->observe(shards);
  rig.client->observe(shards);
  rig.service->on_request("double", [](int number) { return 2 * number; });
  rig.service->on_event("seen", [](int) {});
  rig.start();
  EXPECT_EQ(rig.bed.run(rig.client->request<int>("double", 21)), 42);
  rig.bed.settle();
  EXPECT_EQ(shards->sources, (Lines{"client memory://bed", "listener memory://bed double seen"}));
  ASSERT_EQ(shards->diaries.size(), 2u);
  EXPECT_EQ(shards->diaries[0]->lines, rig.calls->lines);
  EXPECT_EQ(shards->diaries[1]->lines, rig.messages->lines);
}

/// Writes sizes down.
struct Sizes : Observer {
  Lines lines;
  std::size_t last_route = 99;
  void call_began(const ObservedCall& call) noexcept override { lines.push_back("sent " + std::to_string(call.sent)); }
  void call_ended(const ObservedCall& call, const Error*, std::chrono::nanoseconds) noexcept override {
    lines.push_back("got " + std::to_string(call.received));
  }
  void message_came(const ObservedMessage& message) noexcept override {
    lines.push_back("in " + std::to_string(message.received));
    last_route = message.route;
  }
  void message_settled(const ObservedMessage& message, Fate) noexcept override {
    lines.push_back("out " + std::to_string(message.sent));
  }
};

TEST(Observed, BytesOfPayloadsBothWaysAndTheRoute) {
  TestBed bed;
  Service service(bed.executor(), bed.config("wire=true"), bed.registry());
  const auto sizes = std::make_shared<Sizes>();
  service.observe(sizes);
  service.on_request("other", [](int) {});
  service.on_request("hello", [](const std::string& name) { return "hello " + name; });
  bed.run(service.start());
  Client client(bed.executor(), bed.client_config("wire=true"), bed.registry(), bed.log());
  client.observe(sizes);
  bed.run(client.request<std::string>("hello", "you"));
  bed.settle();
  std::sort(sizes->lines.begin(), sizes->lines.end());
  EXPECT_EQ(sizes->lines, (Lines{"got 11", "in 5", "out 11", "sent 5"}));
  EXPECT_EQ(sizes->last_route, 1u);
}

TEST(Observed, SeveralObserversAreAllTold) {
  Rig rig;
  const auto second = std::make_shared<Diary>();
  rig.service->observe(second);
  rig.client->observe(second);
  rig.service->on_request("double", [](int number) { return 2 * number; });
  rig.start();
  EXPECT_EQ(rig.bed.run(rig.client->request<int>("double", 21)), 42);
  rig.bed.settle();
  EXPECT_EQ(rig.messages->lines.size(), 3u);
  EXPECT_EQ(rig.calls->lines.size(), 2u);
  Lines all = rig.messages->lines;
  all.insert(all.end(), rig.calls->lines.begin(), rig.calls->lines.end());
  std::sort(all.begin(), all.end());
  std::sort(second->lines.begin(), second->lines.end());
  EXPECT_EQ(second->lines, all);
  EXPECT_EQ(second->links.size(), rig.calls->links.size() + rig.messages->links.size());
}

TEST(Observed, AnObserverComesBeforeTheFirstCallAndTheStart) {
  Rig rig;
  rig.start();
  EXPECT_THROW(rig.service->observe(rig.messages), Error);
  rig.client->emit("x", 1, asio::detached);
  EXPECT_THROW(rig.client->observe(rig.calls), Error);
}

}  // namespace
}  // namespace waybill
