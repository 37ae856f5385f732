// Delivery: what it keeps is in the account of the process, and leaves it again, wherever the delivery has gone.
#include "support/log_capture.hpp"
#include "waybill/serializers/json.hpp"
#include "waybill/transport/transport.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace waybill::test {
namespace {

class PlainSource final : public DeliverySource {
 public:
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override { ++deliveries; }
  void drop_delivery() noexcept override { --deliveries; }
  void delivery_waits(bool on) noexcept override { waiting += on ? 1 : -1; }
  int deliveries = 0;
  int waiting = 0;
};

TEST(Delivery, WhatItKeepsIsInTheAccountOfTheProcessUntilItHasGone) {
  PlainSource source;
  const std::size_t before = transport::held_bytes();
  {
    const std::string text(100'000, 'x');
    std::optional<Delivery> taken(std::in_place, source, 1);
    taken->packet.payload = Slice::copy(text);
    EXPECT_EQ(transport::held_bytes(), before) << "borrowed bytes are their lender's";
    taken->own();
    EXPECT_GE(transport::held_bytes(), before + text.size());
    taken->own();
    Delivery moved = std::move(*taken);
    taken.reset();
    EXPECT_GE(transport::held_bytes(), before + text.size());
    EXPECT_LT(transport::held_bytes(), before + 2 * text.size()) << "counted twice";
  }
  EXPECT_EQ(transport::held_bytes(), before);
  EXPECT_EQ(source.deliveries, 0);
}

TEST(Delivery, ItsSourceIsToldThatItWaitsUntilItIsSettledOrGone) {
  PlainSource source;
  {
    Delivery settled(source, 1);
    settled.wait();
    settled.wait();
    Delivery moved = std::move(settled);
    EXPECT_EQ(source.waiting, 1);
    moved.settle(Settlement::ack);
    EXPECT_EQ(source.waiting, 0);
    Delivery dropped(source, 2);
    dropped.wait();
    Delivery never(source, 3);
    EXPECT_EQ(source.waiting, 1);
  }
  EXPECT_EQ(source.waiting, 0);
}

TEST(Delivery, ARequestThatCameTooLateIsRefusedAndMayBeSentAgain) {
  const auto serializer = json::make_json_serializer();
  Buffer body;
  Error::shutting_down().encode(*serializer, body);
  const Error heard = Error::from_peer(body.borrow(), *serializer);
  EXPECT_TRUE(heard.code() == errc::refused);
  EXPECT_EQ(heard.end(), End::rejected);
  EXPECT_TRUE(heard.is_retryable());
}

}  // namespace
}  // namespace waybill::test
