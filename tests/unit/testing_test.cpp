// The kit for users' own tests: everything that takes time on memory:// takes virtual time, and none of ours.
#include "waybill/testing.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;

TEST(TestBed, ADeadlineOfHalfAMinuteTakesNoTime) {
  TestBed bed;
  Service service(bed.executor(), bed.config(), bed.registry());
  service.on_request("never", [](Context& context) -> asio::awaitable<int> {
    Timer timer(context.executor());
    co_await timer.async_wait();
    co_return 1;
  });
  bed.run(service.start());
  Client client = bed.client();
  const auto begin = std::chrono::steady_clock::now();
  try {
    bed.run(client.request<int>("never", 1));
    FAIL() << "it was answered";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == errc::timeout) << error.what();
  }
  EXPECT_GE(bed.time().now(), 30s);
  EXPECT_LT(bed.time().now(), 31s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  service.close();
  client.close();
}

TEST(TestBed, AnEventThatFailsIsTriedAgainAfterItsPauses) {
  TestBed bed;
  Service service(bed.executor(), bed.config("attempts=4&backoff=1s..10s&dead_letter=dead"), bed.registry());
  service.log_to(bed.log_sink());
  std::vector<VirtualTime::Duration> tries;
  service.on_event("tick", [&](int) {
    tries.push_back(bed.time().now());
    throw Error("E1", "the database has gone");
  });
  bed.run(service.start());
  Client client = bed.client();
  bed.run(client.emit("tick", 7));
  EXPECT_TRUE(bed.eventually([&] { return !bed.dead_letters("dead").empty(); }));
  ASSERT_EQ(tries.size(), 4u);
  EXPECT_GE(tries[1] - tries[0], 1s);
  EXPECT_GE(tries[2] - tries[1], 2s);
  EXPECT_GE(tries[3] - tries[2], 4s);
  EXPECT_LT(tries[3], 12s);
  const auto letters = bed.dead_letters("dead");
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].attempts, 4);
  EXPECT_NE(letters[0].error.find("the database has gone"), std::string::npos) << letters[0].error;
  EXPECT_TRUE(bed.eventually([&] { return bed.has_logged("it is now in dead"); }));
  service.close();
}

TEST(TestBed, AClientThatFindsNoBrokerTriesAgainLater) {
  TestBed bed;
  Service service(bed.executor(), bed.config(), bed.registry());
  service.log_to(bed.log_sink());
  std::vector<int> seen;
  service.on_event("tick", [&](int value) { seen.push_back(value); });
  bed.run(service.start());
  bed.broker().stop();
  bed.settle();
  Client client = bed.client();
  client.emit("tick", 7, asio::detached);
  bed.advance(3s);
  EXPECT_TRUE(seen.empty());
  EXPECT_TRUE(bed.has_logged("trying again"));
  bed.broker().start();
  EXPECT_TRUE(bed.eventually([&] { return !seen.empty(); }));
  EXPECT_EQ(seen, std::vector<int>{7});
  EXPECT_GT(bed.time().now(), 3s);
  EXPECT_LT(bed.time().now(), 6s);
  service.close();
}

TEST(TestBed, ADrainEndsAtItsLimit) {
  TestBed bed;
  Service service(bed.executor(), bed.config(), bed.registry());
  service.on_event("held", [](Context& context) -> asio::awaitable<void> {
    Timer timer(context.executor(), 1h);
    co_await timer.async_wait();
  });
  bed.run(service.start());
  Client client = bed.client();
  bed.run(client.emit("held", 1));
  bed.settle();
  const auto begin = bed.time().now();
  const DrainReport report = bed.run(service.drain(10s));
  EXPECT_EQ(report.abandoned, 1u);
  EXPECT_EQ(bed.time().now() - begin, 10s);
}

TEST(TestBed, SaysSoWhenNothingIsLeftThatCouldEndIt) {
  TestBed bed;
  const auto for_ever = [&]() -> asio::awaitable<void> {
    Timer timer(bed.executor());
    co_await timer.async_wait();
  };
  try {
    bed.run(for_ever());
    FAIL() << "it ended";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nothing is left"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(bed.eventually([] { return false; }));
}

TEST(TestBed, DeadLettersAreReplayedAndDroppedByPrograms) {
  TestBed bed;
  bool is_broken = true;
  std::vector<int> handled;
  const Config config = bed.config("attempts=1&dead_letter=dead");
  Service service(bed.executor(), config, bed.registry());
  service.log_to(bed.log_sink());
  service.on_event("tick", [&](int value) {
    if (is_broken) throw Error("E1", "broken");
    handled.push_back(value);
  });
  bed.run(service.start());
  Client client = bed.client();
  for (const int value : {1, 2, 3}) bed.run(client.emit("tick", value));
  EXPECT_TRUE(bed.eventually([&] { return bed.dead_letters("dead").size() == 3; }));
  is_broken = false;
  DeadLetters letters(bed.executor(), config.listeners.front(), bed.registry(), bed.log());
  const auto listed = bed.run(letters.list()).value();
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_TRUE(bed.run(letters.replay(listed[1])));
  EXPECT_TRUE(bed.run(letters.drop(listed[0])));
  EXPECT_TRUE(bed.eventually([&] { return !handled.empty(); }));
  EXPECT_EQ(handled, std::vector<int>{2});
  EXPECT_EQ(bed.run(letters.list()).value().size(), 1u);
  letters.close();
  service.close();
}

TEST(TestBed, DeadLettersNeedAChannel) {
  TestBed bed;
  const Config config = bed.config();
  EXPECT_THROW(DeadLetters(bed.executor(), config.listeners.front(), bed.registry()), Error);
}

}  // namespace
}  // namespace waybill::test
