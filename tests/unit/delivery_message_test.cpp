// A delivery that keeps the message it came as: owning it copies the message once, and all that is seen of it.
#include "waybill/transport/transport.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waybill {
namespace {

class Source final : public DeliverySource {
 public:
  void reply(const Delivery&, const Packet&) override {}
  void settle(const Delivery&, Settlement) override {}
  void add_delivery() noexcept override {}
  void drop_delivery() noexcept override {}
};

TEST(DeliveryMessage, IsOwnedWithAllThatIsSeenOfIt) {
  Source source;
  Delivery delivery(source, 1);
  Slice lent = Slice::copy("to:me {\"data\":\"text\"}");
  delivery.message = Slice::borrow(lent.view());
  delivery.reply_to = lent.view().substr(3, 2);
  delivery.packet.payload = Slice::borrow_utf8(lent.view().substr(14, 6));
  delivery.own();
  lent = Slice();  // what was lent is gone
  EXPECT_EQ(delivery.message.view(), "to:me {\"data\":\"text\"}");
  EXPECT_EQ(delivery.packet.payload.view(), "\"text\"");
  EXPECT_EQ(delivery.packet.payload.data(), delivery.message.data() + 14) << "no second copy";
  EXPECT_TRUE(delivery.packet.payload.is_known_utf8());
  EXPECT_EQ(delivery.reply_to, "me");
  delivery.own();  // again
  EXPECT_EQ(delivery.reply_to, "me");
  EXPECT_EQ(delivery.packet.payload.view(), "\"text\"");
  delivery.settle(Settlement::ack);
}

TEST(DeliveryMessage, MayBeMissing) {
  Source source;
  Delivery delivery(source, 1);
  std::string address = "me";
  delivery.reply_to = address;
  delivery.own();
  address = "xx";
  EXPECT_EQ(delivery.reply_to, "me");
  delivery.settle(Settlement::ack);
}

}  // namespace
}  // namespace waybill
