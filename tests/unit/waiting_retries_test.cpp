#include "service/waiting_retries.hpp"

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

TEST(WaitingRetries, NoneIsGivenBackBeforeItsTime) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 2);
  const std::chrono::hours long_time(1);
  for (std::uint64_t token = 1; token <= 4; ++token) retries->add(Delivery(rig.source, token), long_time);
  test::run_ready(rig.loop);
  EXPECT_EQ(retries->size(), 4u);
  EXPECT_TRUE(retries->is_full());
  EXPECT_EQ(rig.source.given_back, Tokens{});
}

TEST(WaitingRetries, TellWhenThereIsRoomAgain) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 1);
  int told = 0;
  retries->when_room([&told] { ++told; });
  retries->add(Delivery(rig.source, 1), 1ms);
  EXPECT_FALSE(retries->is_full());
  ASSERT_TRUE(test::eventually(rig.loop, [&] { return rig.source.given_back.size() == 1; }));
  EXPECT_EQ(told, 0) << "it was not full";
  retries->add(Delivery(rig.source, 2), 1ms);
  retries->add(Delivery(rig.source, 3), std::chrono::hours(1));
  EXPECT_TRUE(retries->is_full());
  ASSERT_TRUE(test::eventually(rig.loop, [&] { return told == 1; }));
  EXPECT_EQ(rig.source.given_back, (Tokens{1, 2}));
}

TEST(WaitingRetries, WhatItsHandlerLeftTakesNoRoom) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 1);
  for (std::uint64_t token = 1; token <= 3; ++token) retries->leave(Delivery(rig.source, token));
  EXPECT_FALSE(retries->is_full());
  retries->add(Delivery(rig.source, 4), 1ms);
  ASSERT_TRUE(test::eventually(rig.loop, [&] { return rig.source.given_back == Tokens{4}; }));
  EXPECT_EQ(retries->give_back(), 3u);
  EXPECT_EQ(rig.source.given_back, (Tokens{4, 1, 2, 3}));
}

TEST(WaitingRetries, WhatItsLinkLostIsForgotten) {
  Rig rig;
  const auto retries = std::make_shared<WaitingRetries>(rig.loop.get_executor(), 2);
  retries->add(Delivery(rig.source, 1), 1ms);
  retries->leave(Delivery(rig.source, 2));
  retries->drop();
  EXPECT_EQ(rig.source.alive, 0);
  EXPECT_EQ(retries->size(), 0u);
  EXPECT_EQ(retries->give_back(), 0u);
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
