// throttle: its bucket in every order of events, and what calls and handlers see of it.
#include "middleware/token_bucket.hpp"
#include "service_rig.hpp"
#include "support/scripted_transport.hpp"
#include "waybill/testing.hpp"

#include <asio/bind_cancellation_slot.hpp>

#include <algorithm>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using waybill::detail::TimePoint;
using waybill::detail::TokenBucket;
using Options = middleware::ThrottleOptions;
using Standing = TokenBucket::Standing;

constexpr TimePoint k_begin{1h};

TEST(TokenBucketTest, LetsABurstThroughAndThenTheRate) {
  TokenBucket bucket(10, 1000ms, 3, 0);
  const auto passes = [&bucket](TimePoint now) { return bucket.enter(now, now).standing == Standing::passed; };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(passes(k_begin));
  EXPECT_FALSE(passes(k_begin));
  EXPECT_FALSE(passes(k_begin + 99ms));
  EXPECT_TRUE(passes(k_begin + 100ms));
  EXPECT_FALSE(passes(k_begin + 100ms));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(passes(k_begin + 10s)) << "no more are kept than a burst";
  EXPECT_FALSE(passes(k_begin + 10s));
}

TEST(TokenBucketTest, RoundsNothingAway) {
  TokenBucket bucket(3, 1000ms, 1, 0);  // a token each 333.3... ms
  int passed = 0;
  for (TimePoint now = k_begin; now < k_begin + 1000s; now += 1ms) {
    passed += bucket.enter(now, now).standing == Standing::passed ? 1 : 0;
  }
  EXPECT_GE(passed, 2990);
  EXPECT_LE(passed, 3001);
}

TEST(TokenBucketTest, HoldsItsLargestNumbers) {
  TokenBucket bucket(1'000'000, std::chrono::milliseconds(1h), 1'000'000, 1'000'000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(bucket.enter(k_begin, TimePoint::max()).standing, Standing::passed);
  const TimePoint later = k_begin + 24h * 365 * 100;
  EXPECT_EQ(bucket.enter(later, later).standing, Standing::passed);
  TokenBucket slow(1, std::chrono::milliseconds(1h), 1, 1'000'000);
  EXPECT_EQ(slow.enter(k_begin, TimePoint::max()).standing, Standing::passed);
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(slow.enter(k_begin, TimePoint::max()).at, k_begin + i * 1h);
}

TEST(TokenBucketTest, WhoGivesUpBringsThoseBehindForward) {
  TokenBucket bucket(1, 100ms, 1, 8);
  bucket.enter(k_begin, k_begin);
  const auto first = bucket.enter(k_begin, TimePoint::max());
  const auto second = bucket.enter(k_begin, TimePoint::max());
  const auto third = bucket.enter(k_begin, TimePoint::max());
  EXPECT_EQ(third.at, k_begin + 300ms);
  EXPECT_FALSE(bucket.leave(second.ticket, k_begin + 10ms)) << "the first is not concerned";
  EXPECT_EQ(bucket.leave(first.ticket, k_begin + 20ms), third.ticket);
  const auto asked = bucket.ask(third.ticket, k_begin + 20ms);
  EXPECT_EQ(asked.standing, Standing::waiting);
  EXPECT_EQ(asked.at, k_begin + 100ms);
  EXPECT_EQ(bucket.ask(third.ticket, k_begin + 100ms).standing, Standing::passed);
  EXPECT_EQ(bucket.waiting(), 0u);
}

/// All sequences of ten events, with what must hold after each: 2 in 100 ms, 2 at once, 3 wait for 130 ms at most.
class EveryOrderOfTurns {
 public:
  void run() { step(World{}, 10); }
  std::uint64_t sequences = 0;
  std::uint64_t passed = 0, refused = 0, woken = 0;

 private:
  struct Guest {
    TokenBucket::Ticket ticket;
    TimePoint at;
    TimePoint limit;
  };
  struct World {
    TokenBucket bucket{2, 100ms, 2, 3};
    TimePoint now = k_begin;
    std::vector<Guest> guests;      // in the order of their coming
    std::vector<TimePoint> passed;  // when somebody went through
  };
  void step(const World& world, int left) {
    ASSERT_EQ(world.bucket.waiting(), world.guests.size());
    for (std::size_t from = 0; from < world.passed.size(); ++from) {
      const auto time = world.passed.back() - world.passed[from];
      ASSERT_LE(static_cast<std::int64_t>(world.passed.size() - from), 2 + time / 50ms) << "more than burst and rate";
    }
    for (const Guest& guest : world.guests) ASSERT_LE(guest.at, guest.limit) << "its turn comes too late";
    if (left == 0) {
      ++sequences;
      return;
    }
    enter(world, left);
    for (std::size_t i = 0; i < world.guests.size(); ++i) leave(world, i, left);
    for (const auto pause : {20ms, 70ms}) advance(world, pause, left);
  }
  void enter(World world, int left) {
    const TimePoint limit = world.now + 130ms;
    const auto entry = world.bucket.enter(world.now, limit);
    if (entry.standing == Standing::passed) {
      ASSERT_TRUE(world.guests.empty()) << "nobody overtakes";
      world.passed.push_back(world.now);
      ++passed;
    } else if (entry.standing == Standing::waiting) {
      world.guests.push_back({entry.ticket, entry.at, limit});
    } else {
      ++refused;
    }
    step(world, left - 1);
  }
  void leave(World world, std::size_t which, int left) {
    const auto ticket = world.guests[which].ticket;
    world.guests.erase(world.guests.begin() + static_cast<std::ptrdiff_t>(which));
    wake(world, world.bucket.leave(ticket, world.now));
    step(world, left - 1);
  }
  /// As a driver does: each asks when it was told to, those that are woken at once.
  void advance(World world, std::chrono::milliseconds by, int left) {
    const TimePoint end = world.now + by;
    for (;;) {
      const auto next = std::min_element(world.guests.begin(), world.guests.end(),
                                         [](const Guest& a, const Guest& b) { return a.at < b.at; });
      if (next == world.guests.end() || next->at > end) break;
      world.now = std::max(world.now, next->at);
      ask(world, next);
      if (testing::Test::HasFatalFailure()) return;
    }
    world.now = end;
    step(world, left - 1);
  }
  void ask(World& world, std::vector<Guest>::iterator guest) {
    const auto before = guest->at;
    const auto entry = world.bucket.ask(guest->ticket, world.now);
    if (entry.standing == Standing::waiting) {
      ASSERT_GT(entry.at, world.now) << "it would ask again and again";
      ASSERT_GE(entry.at, before);
      guest->at = entry.at;
      return;
    }
    ASSERT_EQ(entry.standing, Standing::passed);
    ASSERT_EQ(guest, world.guests.begin()) << "nobody overtakes";
    world.guests.erase(guest);
    world.passed.push_back(world.now);
    ++passed;
    wake(world, entry.wake);
  }
  void wake(World& world, std::optional<TokenBucket::Ticket> ticket) {
    if (!ticket) return;
    ++woken;
    const auto guest =
        std::find_if(world.guests.begin(), world.guests.end(), [&](const Guest& one) { return one.ticket == *ticket; });
    ASSERT_EQ(guest, world.guests.begin());
    guest->at = world.now;  // so that it asks next, and is told when
  }
};

TEST(TokenBucketInEveryOrder, KeepsItsRateAndItsWord) {
  EveryOrderOfTurns every;
  every.run();
  EXPECT_GT(every.sequences, 50'000u);
  EXPECT_GT(every.passed, 1000u);
  EXPECT_GT(every.refused, 500u);
  EXPECT_GT(every.woken, 1000u);
}

TEST(ThrottleOptions, TellEveryMistake) {
  EXPECT_TRUE(Options().validate());
  Options options;
  options.rate = 0;
  options.per = 61min;
  options.burst = 0;
  options.max_waiting = options.rate - 1;
  options.max_wait = -1ms;
  const Result<void> outcome = options.validate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), errc::invalid_config);
  EXPECT_EQ(outcome.error().message(),
            "throttle: rate must be from 1 to 1000000\nthrottle: per must be more than 0 and at most an hour\n"
            "throttle: burst must be from 1 to 1000000\nthrottle: max_waiting must be from 0 to 1000000\n"
            "throttle: max_wait is negative");
  EXPECT_THROW(middleware::throttle(options), Error);
}

Options each(std::chrono::milliseconds per, std::chrono::milliseconds wait, int burst = 1) {
  Options options;
  options.rate = 1;
  options.per = per;
  options.burst = burst;
  options.max_wait = wait;
  return options;
}

class ThrottledCalls : public testing::Test {
 protected:
  ThrottledCalls() {
    service.on_request("when", [this](int) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(bed.time().now()).count();
    });
    service.on_event("tick", [this](int value) { ticks.push_back({value, bed.time().now()}); });
  }
  ~ThrottledCalls() override {
    service.close();
    client.close();
    bed.settle();
  }
  struct Tick {
    int value;
    VirtualTime::Duration at;
  };
  TestBed bed;
  Service service{bed.executor(), bed.config(), bed.registry()};
  Client client = bed.client("timeout=60s");
  std::vector<Tick> ticks;
};

TEST_F(ThrottledCalls, WaitForTheirTurnInTheOrderOfTheirComing) {
  client.use(middleware::throttle(each(100ms, 10s, 2)));
  bed.run(service.start());
  const auto begin = bed.time().now();
  for (int i = 0; i < 5; ++i) client.emit("tick", i, asio::detached);
  EXPECT_TRUE(bed.eventually([this] { return ticks.size() == 5; }));
  const VirtualTime::Duration expected[] = {0ms, 0ms, 100ms, 200ms, 300ms};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ticks[static_cast<std::size_t>(i)].value, i);
    EXPECT_EQ(ticks[static_cast<std::size_t>(i)].at - begin, expected[i]) << i;
  }
}

TEST_F(ThrottledCalls, AreRefusedAtOnceWhenTheirTurnComesTooLate) {
  client.use(middleware::throttle(each(1000ms, 1500ms)));
  bed.run(service.start());
  const auto begin = bed.time().now();
  client.emit("tick", 1, asio::detached);
  client.emit("tick", 2, asio::detached);
  std::optional<Result<int>> refused;
  client.request<int>("when", 3, [&refused](Result<int> result) { refused.emplace(std::move(result)); });
  bed.settle();
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().code(), errc::overloaded);
  EXPECT_EQ(refused->error().end(), End::rejected);
  EXPECT_STREQ(refused->error().what(), "1 in 1000 ms are let through, and its turn does not come within 1500 ms");
  EXPECT_EQ(bed.time().now(), begin);
  bed.advance(1s);
  EXPECT_EQ(ticks.size(), 2u);
}

TEST_F(ThrottledCalls, AreNotSentBeyondTheirDeadline) {
  client.use(middleware::throttle(each(1000ms, 1h)));
  bed.run(service.start());
  client.emit("tick", 1, asio::detached);
  CallOptions options;
  options.timeout = 500ms;
  std::optional<Result<int>> refused;
  client.request<int>("when", 3, options, [&refused](Result<int> result) { refused.emplace(std::move(result)); });
  bed.settle();
  ASSERT_TRUE(refused && !*refused);
  EXPECT_STREQ(refused->error().what(), "1 in 1000 ms are let through, and its turn comes after its deadline");
  EXPECT_EQ(refused->error().end(), End::rejected);
}

TEST_F(ThrottledCalls, ThatAreCancelledGiveUpTheirTurn) {
  client.use(middleware::throttle(each(1000ms, 1h)));
  bed.run(service.start());
  const auto begin = bed.time().now();
  client.emit("tick", 1, asio::detached);
  asio::cancellation_signal signal;
  std::optional<Result<int>> left;
  client.request<int>("when", 2, asio::bind_cancellation_slot(signal.slot(), [&left](Result<int> result) {
                        left.emplace(std::move(result));
                      }));
  client.emit("tick", 3, asio::detached);
  bed.settle();
  signal.emit(asio::cancellation_type::terminal);
  bed.settle();
  ASSERT_TRUE(left && !*left);
  EXPECT_EQ(left->error().code(), errc::cancelled);
  EXPECT_TRUE(bed.eventually([this] { return ticks.size() == 2; }));
  EXPECT_EQ(ticks[1].at - begin, 1s) << "and not two";
}

TEST_F(ThrottledCalls, AroundHandlersSlowThemDown) {
  service.use(middleware::throttle(each(100ms, 1h)));
  bed.run(service.start());
  const auto begin = bed.time().now();
  for (int i = 0; i < 10; ++i) client.emit("tick", i, asio::detached);
  EXPECT_TRUE(bed.eventually([this] { return ticks.size() == 10; }));
  EXPECT_EQ(ticks.back().at - begin, 900ms);
}

class ThrottledHandlers : public ServiceRig {};

TEST_P(ThrottledHandlers, AllGetTheirTurn) {
  Options options;
  options.rate = 20'000;
  options.burst = 10;
  options.max_wait = 1h;
  service->use(middleware::throttle(options));
  std::atomic<int> handled{0};
  service->on_event("tick", [&](int) { ++handled; });
  service->on_request("rows", [](int count) -> Stream<int> {
    for (int i = 0; i < count; ++i) {
      co_yield i;
      co_await turn();
    }
  });
  start();
  Client& client = connect();
  for (int i = 0; i < 200; ++i) client.emit("tick", i, asio::detached);
  const auto rows = read(client, "rows", 10);
  EXPECT_TRUE(wait_for(rows));
  EXPECT_EQ(rows->values.size(), 10u);
  EXPECT_TRUE(wait_until([&] { return handled == 200; }));
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

TEST_P(ThrottledHandlers, RefuseWhatTheyDoNotLetThrough) {
  service->use(middleware::throttle(each(std::chrono::milliseconds(1h), 0ms)));
  service->on_request("double", [](int value) { return 2 * value; });
  start();
  Client& client = connect();
  std::vector<Result<int>> answers;
  for (int i = 0; i < 3; ++i) {
    client.request<int>("double", i, [&answers](Result<int> result) { answers.push_back(std::move(result)); });
  }
  ASSERT_TRUE(wait_until([&] { return answers.size() == 3; }));
  const auto good =
      std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.has_value(); });
  EXPECT_EQ(good, 1);
  for (const auto& answer : answers) {
    if (answer) continue;
    EXPECT_EQ(answer.error().code(), errc::overloaded) << answer.error().what();
    EXPECT_EQ(answer.error().end(), End::rejected);
  }
  EXPECT_TRUE(wait_until([this] { return is_idle(); }));
}

INSTANTIATE_TEST_SUITE_P(All, ThrottledHandlers, all_grounds(), name_of_ground);

}  // namespace
}  // namespace waybill::test
