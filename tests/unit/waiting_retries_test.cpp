#include "waiting_retries.hpp"

#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace waybill::detail {
namespace {

using std::chrono_literals::operator""ms;

/// Writes down which deliveries were given back, by their tokens.
class Source final : public DeliverySource {
 public:
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery& delivery, Settlement settlement) override {
    if (settlement == Settlement::retry) given_back.push_back(delivery.token);
  }
  void add_delivery() noexcept override { ++alive; }
  void drop_delivery() noexcept override { --alive; }
  std::vector<std::uint64_t> given_back;
  int alive = 0;
};

using Tokens = std::vector<std::uint64_t>;

struct Rig {
  asio::io_context loop{1};
  Source source;
};

TEST(WaitingRetries, GiveBackInOrderOfTheirTimes) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 10);
  retries->add(Delivery(rig.source, 1), 30ms);
  retries->add(Delivery(rig.source, 2), 1ms);
  retries->add(Delivery(rig.source, 3), 10ms);
  EXPECT_TRUE(rig.source.given_back.empty());
  ASSERT_TRUE(test::eventually(rig.loop, [&] { return rig.source.given_back.size() == 3; }));
  EXPECT_EQ(rig.source.given_back, (Tokens{2, 3, 1}));
  EXPECT_EQ(rig.source.alive, 0);
}

TEST(WaitingRetries, NoMoreThanTheirMostWait) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 2);
  const std::chrono::hours long_time(1);
  for (std::uint64_t token = 1; token <= 4; ++token) retries->add(Delivery(rig.source, token), long_time);
  EXPECT_EQ(retries->size(), 2u);
  EXPECT_EQ(rig.source.given_back, (Tokens{1, 2}));
}

TEST(WaitingRetries, AllAreGivenBackAtOnceWhenAskedFor) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 10);
  const std::chrono::hours long_time(1);
  for (std::uint64_t token = 1; token <= 3; ++token) retries->add(Delivery(rig.source, token), long_time);
  EXPECT_EQ(retries->give_back(), 3u);
  EXPECT_EQ(rig.source.given_back.size(), 3u);
  test::run_ready(rig.loop);
}

TEST(WaitingRetries, WhatStillWaitsAtTheEndIsGivenBackOnce) {
  Rig rig;
  {
    const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 10);
    retries->add(Delivery(rig.source, 1), 1ms);
  }
  test::run_ready(rig.loop);
  EXPECT_EQ(rig.source.given_back, Tokens{1});
  EXPECT_EQ(rig.source.alive, 0);
}

}  // namespace
}  // namespace waybill::detail
