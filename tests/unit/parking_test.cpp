// Deliveries that were given up, until they are in the dead-letter channel: a source that takes them, and one that refuses.
#include "service/parking.hpp"

#include "waybill/time.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace waybill::test {
namespace {

using detail::Parking;

/// Keeps what it is asked to park until the test says how it ended.
class Source final : public DeliverySource {
 public:
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery& delivery, Settlement settlement) override {
    settled.emplace_back(delivery.token, settlement);
  }
  void park(const Delivery& delivery, ParkDone done) override {
    asked.push_back(delivery.token);
    if (answer) return done(*answer);
    open.push_back(std::move(done));
  }
  void add_delivery() noexcept override { ++deliveries; }
  void drop_delivery() noexcept override { --deliveries; }

  std::optional<Result<void>> answer;  ///< At once; else `open` waits for the test.
  std::vector<ParkDone> open;
  std::vector<std::uint64_t> asked;
  std::vector<std::pair<std::uint64_t, Settlement>> settled;
  int deliveries = 0;
};

struct Seen final : Parking::Host {
  void on_parked(const Delivery& delivery) override { parked.push_back(delivery.token); }
  void on_not_parked(const Delivery& delivery, const Error& why, std::chrono::milliseconds retry_in) override {
    refused.push_back(delivery.token);
    pauses.push_back(retry_in);
    last_reason = why.what();
  }
  void on_given_back() override { ++given_back; }
  int given_back = 0;
  std::vector<std::uint64_t> parked, refused;
  std::vector<std::chrono::milliseconds> pauses;
  std::string last_reason;
};

using Settled = std::vector<std::pair<std::uint64_t, Settlement>>;

class ParkingTest : public testing::Test {
 protected:
  void give_up(std::uint64_t token) {
    Delivery delivery(source, token);
    parking->add(std::move(delivery));
  }
  static Result<void> queue_is_gone() { return Error(errc::refused, "the queue is gone", End::rejected); }

  asio::io_context loop;
  Source source;  // outlives what is parked
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::shared_ptr<Parking> parking = std::make_shared<Parking>(loop.get_executor(), seen);
};

TEST_F(ParkingTest, WhatIsInItsPlaceIsAcknowledgedThenAndNotBefore) {
  give_up(1);
  EXPECT_TRUE(source.settled.empty());
  EXPECT_TRUE(seen->parked.empty()) << "told before it is true";
  EXPECT_EQ(parking->under_way(), 1u);
  source.open.at(0)({});
  EXPECT_EQ(source.settled, (Settled{{1, Settlement::ack}}));
  EXPECT_EQ(seen->parked, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(parking->size(), 0u);
  EXPECT_EQ(source.deliveries, 0);
}

TEST_F(ParkingTest, WhatCannotBeParkedStaysUnsettledAndIsParkedAgain) {
  source.answer = queue_is_gone();
  give_up(1);
  EXPECT_EQ(seen->refused, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seen->last_reason, "the queue is gone");
  EXPECT_TRUE(source.settled.empty()) << "neither given back, nor handled again";
  EXPECT_EQ(source.deliveries, 1);
  source.answer = Result<void>();
  loop.run();  // the pause, half a second at least
  EXPECT_EQ(source.asked, (std::vector<std::uint64_t>{1, 1}));
  EXPECT_EQ(source.settled, (Settled{{1, Settlement::ack}}));
}

TEST_F(ParkingTest, WhenThereIsRoomAgainAllFindTheirPlaceWithinSecondsHoweverLongTheyHaveWaited) {
  VirtualTime time;
  asio::io_context virtual_loop;
  time.drive(virtual_loop);
  const auto patient = std::make_shared<Parking>(virtual_loop.get_executor(), seen);
  source.answer = queue_is_gone();
  for (std::uint64_t i = 1; i <= 3; ++i) patient->add(Delivery(source, i));
  EXPECT_EQ(patient->without_place(), 3u);
  const auto pass = [&](std::chrono::seconds by) {
    for (auto end = time.now() + by; time.now() < end;) {
      time.advance(std::chrono::milliseconds(100));
      virtual_loop.restart();
      virtual_loop.poll();
    }
  };
  pass(std::chrono::seconds(600));
  EXPECT_LT(source.asked.size(), 600u / 2 + 3 * 25)
      << "one of them is tried every other second, the others ever more rarely";
  source.answer = Result<void>();
  pass(std::chrono::seconds(3));
  EXPECT_EQ(source.settled.size(), 3u);
  EXPECT_EQ(patient->without_place(), 0u);
}

TEST_F(ParkingTest, AnEndGivesBackWhatWaitsAndLetsWhatIsUnderWayFinish) {
  give_up(1);
  give_up(2);
  give_up(3);
  source.open.at(0)(queue_is_gone());
  EXPECT_EQ(parking->give_back(), 1u);
  EXPECT_EQ(source.settled, (Settled{{1, Settlement::retry}}));
  EXPECT_EQ(parking->under_way(), 2u);
  source.open.at(1)({});
  source.open.at(2)(queue_is_gone());
  EXPECT_EQ(source.settled, (Settled{{1, Settlement::retry}, {2, Settlement::ack}, {3, Settlement::retry}}));
  EXPECT_EQ(seen->parked, (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(seen->given_back, 1) << "who waits for those under way hears of it";
  EXPECT_EQ(parking->size(), 0u);
}

TEST_F(ParkingTest, ALostLinkTakesItsDeliveriesAlong) {
  give_up(1);
  give_up(2);
  source.open.at(0)(queue_is_gone());
  parking->forget_all();
  EXPECT_EQ(source.deliveries, 0);
  source.open.at(1)({});  // too late: nobody is told
  EXPECT_TRUE(seen->parked.empty());
  EXPECT_EQ(loop.run(), 1u) << "the cancelled pause, and nothing after it";
  EXPECT_EQ(source.asked.size(), 2u);
}

}  // namespace
}  // namespace waybill::test
