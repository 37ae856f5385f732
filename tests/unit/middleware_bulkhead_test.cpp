// bulkhead: its places in every order of events, and what calls and handlers see of it.
#include "middleware/places.hpp"
#include "service_rig.hpp"
#include "support/scripted_transport.hpp"
#include "waybill/testing.hpp"

#include <asio/bind_cancellation_slot.hpp>

#include <algorithm>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using waybill::detail::Places;
using waybill::detail::TimePoint;
using Options = middleware::BulkheadOptions;
using Standing = Places::Standing;

constexpr TimePoint k_begin{1h};

/// All sequences of ten events at two places and two seats before them, with what must hold after each.
class EveryOrderOfPlaces {
 public:
  void run() { step(World{}, 10); }
  std::uint64_t sequences = 0;
  std::uint64_t woken = 0, refused = 0, late = 0;

 private:
  struct Guest {
    Places::Ticket ticket;
    Standing standing;
    TimePoint limit;
    bool is_woken = false;
  };
  struct World {
    Places places{2, 2};
    TimePoint now = k_begin;
    std::vector<Guest> guests;  // in the order of their coming
  };
  static auto first(World& world, Standing standing) {
    return std::find_if(world.guests.begin(), world.guests.end(),
                        [standing](const Guest& guest) { return guest.standing == standing; });
  }
  void step(const World& world, int left) {
    const auto inside = std::count_if(world.guests.begin(), world.guests.end(), [](const Guest& guest) {
      return guest.standing == Standing::inside || guest.is_woken;
    });
    ASSERT_EQ(world.places.inside(), static_cast<std::size_t>(inside));
    ASSERT_LE(inside, 2);
    ASSERT_LE(world.places.waiting(), 2u);
    const auto could_go_in = std::count_if(world.guests.begin(), world.guests.end(), [&](const Guest& guest) {
      return guest.standing == Standing::waiting && !guest.is_woken && guest.limit > world.now;
    });
    if (inside < 2) {
      ASSERT_EQ(could_go_in, 0) << "nobody waits before a free place";
    }
    if (left == 0) {
      ++sequences;
      return;
    }
    enter(world, left);
    ask(world, left);
    leave(world, Standing::inside, left);
    leave(world, Standing::waiting, left);
    World later = world;
    later.now += 30ms;
    step(later, left - 1);
  }
  void enter(World world, int left) {
    const TimePoint limit = world.now + 50ms;
    const Places::Entry entry = world.places.enter(world.now, limit);
    if (entry.standing == Standing::refused) {
      ++refused;
    } else {
      world.guests.push_back({entry.ticket, entry.standing, limit});
    }
    step(world, left - 1);
  }
  void ask(World world, int left) {
    const auto guest = first(world, Standing::waiting);
    if (guest == world.guests.end()) return;
    const Standing standing = world.places.ask(guest->ticket, world.now);
    ASSERT_EQ(standing, guest->is_woken            ? Standing::inside
                        : world.now < guest->limit ? Standing::waiting
                                                   : Standing::refused);
    guest->standing = standing;
    guest->is_woken = false;
    late += standing == Standing::refused ? 1 : 0;
    if (standing == Standing::refused) world.guests.erase(guest);
    step(world, left - 1);
  }
  void leave(World world, Standing from, int left) {
    const auto guest = first(world, from);
    if (guest == world.guests.end()) return;
    const auto next = world.places.leave(guest->ticket, world.now);
    const bool had_place = from == Standing::inside || guest->is_woken;
    world.guests.erase(guest);
    const auto expected = std::find_if(world.guests.begin(), world.guests.end(), [&](const Guest& one) {
      return one.standing == Standing::waiting && !one.is_woken && one.limit > world.now;
    });
    if (!had_place || expected == world.guests.end()) {
      ASSERT_FALSE(next);
    } else {
      ASSERT_TRUE(next);
      ASSERT_EQ(*next, expected->ticket) << "the first that still waits gets in";
      expected->is_woken = true;
      ++woken;
    }
    step(world, left - 1);
  }
};

TEST(PlacesInEveryOrder, AreNeverTooManyAndNeverLeftFree) {
  EveryOrderOfPlaces every;
  every.run();
  EXPECT_GT(every.sequences, 50'000u);
  EXPECT_GT(every.woken, 1000u);
  EXPECT_GT(every.refused, 1000u);
  EXPECT_GT(every.late, 1000u);
}

TEST(BulkheadOptions, TellEveryMistake) {
  EXPECT_TRUE(Options().validate());
  Options options;
  options.max_concurrent = 0;
  options.max_waiting = -1;
  options.max_wait = -1ms;
  const Result<void> outcome = options.validate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), errc::invalid_config);
  EXPECT_EQ(outcome.error().message(),
            "bulkhead: max_concurrent must be at least 1\nbulkhead: max_waiting is negative\n"
            "bulkhead: max_wait is negative");
  EXPECT_THROW(middleware::bulkhead(options), Error);
}

Options bounds(int concurrent, int waiting, std::chrono::milliseconds wait = 1h) {
  Options options;
  options.max_concurrent = concurrent;
  options.max_waiting = waiting;
  options.max_wait = wait;
  return options;
}

class CallsInABulkhead : public testing::Test {
 protected:
  Ended<int> ask(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    CallOptions options;
    options.timeout = timeout;
    Ended<int> call;
    rig.run([&] { rig.client().request<int>("sum", 1, options, call.token()); });
    return call;
  }
  std::size_t sent() const { return rig.script->sent.size(); }
  bool has_ended(const Ended<int>& call) {
    return eventually(rig.loop, [&call] { return call.count() == 1; });
  }
  ScriptedClient rig;
};

TEST_F(CallsInABulkhead, GoOneAfterTheOtherAndBeyondAreRefused) {
  rig.client().use(middleware::bulkhead(bounds(1, 2)));
  std::vector<Ended<int>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(ask());
  ASSERT_EQ(calls[3].count(), 1u) << "one under way, two wait";
  EXPECT_EQ(calls[3].error().code(), errc::overloaded);
  EXPECT_EQ(calls[3].error().end(), End::rejected);
  EXPECT_STREQ(calls[3].error().what(), "the bulkhead is full: 1 at once, 2 wait");
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(eventually(rig.loop, [&] { return sent() == i + 1; }));
    run_ready(rig.loop);
    EXPECT_EQ(sent(), i + 1);
    rig.script->reply(i, std::to_string(i));
    ASSERT_TRUE(has_ended(calls[i]));
    ASSERT_TRUE(*calls[i]);
    EXPECT_EQ(**calls[i], static_cast<int>(i)) << "in the order of their coming";
  }
}

TEST_F(CallsInABulkhead, ThatAreCancelledGiveUpTheirTurn) {
  rig.client().use(middleware::bulkhead(bounds(1, 2)));
  const Ended<int> first = ask();
  asio::cancellation_signal signal;
  Ended<int> left;
  rig.run([&] { rig.client().request<int>("sum", 1, asio::bind_cancellation_slot(signal.slot(), left.token())); });
  const Ended<int> last = ask();
  rig.run([&] { signal.emit(asio::cancellation_type::terminal); });
  ASSERT_EQ(left.count(), 1u);
  EXPECT_EQ(left.error().code(), errc::cancelled);
  EXPECT_EQ(left.error().end(), End::rejected);
  rig.script->reply(0, "1");
  ASSERT_TRUE(eventually(rig.loop, [&] { return sent() == 2; }));
  rig.script->reply(1, "3");
  ASSERT_TRUE(has_ended(last));
  EXPECT_EQ(**last, 3);
}

TEST_F(CallsInABulkhead, AreTakenAlongByTheEndOfTheClient) {
  rig.client().use(middleware::bulkhead(bounds(1, 2)));
  const Ended<int> first = ask();
  const Ended<int> waiting = ask();
  rig.run([&] { rig.client().close(); });
  ASSERT_EQ(first.count(), 1u);
  ASSERT_EQ(waiting.count(), 1u);
  EXPECT_EQ(waiting.error().code(), errc::closed);
  EXPECT_EQ(waiting.error().end(), End::rejected);
}

TEST_F(CallsInABulkhead, SharedByTwoClientsOnTwoThreads) {
  Middleware shared = middleware::bulkhead(bounds(1, 2));
  rig.client().use(shared);
  ScriptedClient other;
  other.client().use(shared);
  const Ended<int> first = ask();
  Ended<int> second;
  other.run([&] { other.client().request<int>("sum", 1, second.token()); });
  EXPECT_EQ(other.script->sent.size(), 0u);
  rig.script->reply(0, "1");
  ASSERT_TRUE(has_ended(first));
  run_ready(rig.loop);  // behind the end of the call
  ASSERT_TRUE(eventually(other.loop, [&] { return other.script->sent.size() == 1; }));
}

class BulkheadInVirtualTime : public testing::Test {
 protected:
  Error error_of(int body, CallOptions options = CallOptions()) {
    try {
      bed.run(client.request<int>("held", body, options));
    } catch (const Error& error) {
      return error;
    }
    return Error("none");
  }
  void serve() {
    service.on_request("held", [](int seconds, Context& context) -> asio::awaitable<int> {
      Timer timer(context.executor(), std::chrono::seconds(seconds));
      co_await timer.async_wait();
      co_return seconds;
    });
    bed.run(service.start());
  }
  ~BulkheadInVirtualTime() override {
    service.close();
    client.close();
    bed.settle();
  }
  TestBed bed;
  Service service{bed.executor(), bed.config(), bed.registry()};
  Client client = bed.client("timeout=60s");
};

TEST_F(BulkheadInVirtualTime, WhoWaitsTooLongIsRefused) {
  service.use(middleware::bulkhead(bounds(1, 8, 2s)));
  serve();
  std::optional<Result<int>> first;
  client.request<int>("held", 10, [&first](Result<int> result) { first.emplace(std::move(result)); });
  bed.settle();
  const auto begin = bed.time().now();
  const Error refused = error_of(1);
  EXPECT_EQ(refused.code(), errc::overloaded) << refused.what();
  EXPECT_EQ(refused.end(), End::rejected);
  EXPECT_NE(refused.message().find("the bulkhead is full: 1 at once, and none ended within 2000 ms"),
            std::string_view::npos)
      << refused.what();
  EXPECT_EQ(bed.time().now() - begin, 2s);
  bed.advance(7s);
  EXPECT_EQ(bed.run(client.request<int>("held", 1)), 1) << "it waits one second, and is let in";
  EXPECT_TRUE(first && *first);
}

TEST_F(BulkheadInVirtualTime, WhoseDeadlinePassesMeanwhileIsNotSent) {
  client.use(middleware::bulkhead(bounds(1, 8, 1h)));
  serve();
  std::optional<Result<int>> first;
  client.request<int>("held", 30, [&first](Result<int> result) { first.emplace(std::move(result)); });
  CallOptions options;
  options.timeout = 5s;
  const auto begin = bed.time().now();
  const Error late = error_of(1, options);
  EXPECT_EQ(late.code(), errc::timeout) << late.what();
  EXPECT_EQ(late.end(), End::rejected) << "it was never sent";
  EXPECT_LT(bed.time().now() - begin, 6s);
  EXPECT_EQ(service.stats().requests, 1u);
  EXPECT_TRUE(bed.eventually([&] { return first.has_value(); }));
}

class HandlersInABulkhead : public ServiceRig {
 protected:
  struct Asked {
    std::optional<Result<int>> result;
  };
  std::shared_ptr<Asked> ask(Client& client, const std::string& pattern, int body = 0) {
    auto asked = std::make_shared<Asked>();
    client.request<int>(pattern, body, [asked](Result<int> result) { asked->result.emplace(std::move(result)); });
    return asked;
  }
};

TEST_P(HandlersInABulkhead, AreSoManyAtOnceAndNotMore) {
  service->use(middleware::bulkhead(bounds(2, 1)));
  Gate gate;
  service->on_request("held", [&](int value) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return value;
  });
  start();
  Client& client = connect();
  const auto a = ask(client, "held", 1);
  const auto b = ask(client, "held", 2);
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 2; }));
  const auto c = ask(client, "held", 3);
  ASSERT_TRUE(wait_until([&] { return service->stats().in_flight == 3; }));
  // On the pool it may still be on its way to its place in the queue, and then the next one waits in its stead.
  const auto d = ask(client, "held", 4);
  ASSERT_TRUE(wait_until([&] { return c->result || d->result; }));
  const auto& refused = c->result ? c : d;
  ASSERT_FALSE(*refused->result);
  EXPECT_EQ(refused->result->error().code(), errc::overloaded) << refused->result->error().what();
  EXPECT_EQ(refused->result->error().end(), End::rejected);
  EXPECT_EQ(gate.arrived, 2);
  gate.open();
  ASSERT_TRUE(wait_until([&] { return a->result && b->result && c->result && d->result; }));
  EXPECT_EQ(gate.arrived, 3);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(HandlersInABulkhead, GoWithTheirServiceInsideAndWaiting) {
  Middleware shared = middleware::bulkhead(bounds(1, 8));  // outlives the service
  service->use(shared);
  Gate gate;
  service->on_request("held", [&](int value) -> asio::awaitable<int> {
    co_await gate.pass();
    co_return value;
  });
  start();
  Client& client = connect();
  const auto a = ask(client, "held", 1);
  ASSERT_TRUE(wait_until([&] { return gate.arrived == 1; }));
  const auto b = ask(client, "held", 2);
  const auto c = ask(client, "held", 3);
  ASSERT_TRUE(wait_until([&] { return service->stats().in_flight == 3; }));
  client.close();
  service->close();
  run_ready(loop);
  service.reset();
  EXPECT_EQ(gate.arrived, 1);
}

TEST_P(HandlersInABulkhead, StreamsKeepTheirPlaceUntilTheyHaveEnded) {
  service->use(middleware::bulkhead(bounds(1, 64)));
  std::atomic<int> running{0}, most{0};
  service->on_request("rows", [&](int count) -> Stream<int> {
    const int now = ++running;
    most = std::max<int>(most, now);
    for (int i = 0; i < count; ++i) {
      co_yield i;
      co_await turn();
    }
    --running;
  });
  start();
  Client& client = connect();
  std::vector<std::shared_ptr<Read>> all;
  for (int i = 0; i < 8; ++i) all.push_back(read(client, "rows", 20));
  for (const auto& one : all) {
    ASSERT_TRUE(wait_for(one));
    EXPECT_FALSE(one->error) << one->error->what();
    EXPECT_EQ(one->values.size(), 20u);
  }
  EXPECT_EQ(most, 1);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(HandlersInABulkhead, OfEventsAllGetTheirTurn) {
  service->use(middleware::bulkhead(bounds(3, 1000)));
  std::atomic<int> handled{0}, running{0}, most{0};
  service->on_event("tick", [&](int) -> asio::awaitable<void> {
    const int now = ++running;
    most = std::max<int>(most, now);
    co_await turn();
    --running;
    ++handled;
  });
  start();
  Client& client = connect();
  for (int i = 0; i < 300; ++i) client.emit("tick", i, asio::detached);
  EXPECT_TRUE(wait_until([&] { return handled == 300; }));
  EXPECT_LE(most, 3);
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

INSTANTIATE_TEST_SUITE_P(All, HandlersInABulkhead, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
