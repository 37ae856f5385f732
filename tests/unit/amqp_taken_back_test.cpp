// Messages that the broker takes back while their handlers run: what they are known by, and what is remembered of them.
#include "flow/taken_back.hpp"
#include "wire/table.hpp"
#include "wire/wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waybill::amqp {
namespace {

std::string entry(const char* name, const char* value) {
  std::string table;
  append_text_entry(table, name, value);
  return table;
}

TEST(AmqpPrint, IsOfAllThatTheSenderGaveAndOfNothingElse) {
  const std::string color = entry("color", "red");
  Properties one;
  one.headers = color;
  one.reply_to = "r";
  const Print first = print_of(one, "q", "body");
  EXPECT_EQ(print_of(one, "q", "body"), first);
  // A quorum queue counts in the headers.
  const std::string counted = color + std::string("\x10x-delivery-countl\0\0\0\0\0\0\0\1", 26);
  Properties again = one;
  again.headers = counted;
  EXPECT_EQ(print_of(again, "q", "body"), first);
  Properties bare;
  Properties bare_again;
  const std::string count_only = counted.substr(color.size());
  bare_again.headers = count_only;
  EXPECT_EQ(print_of(bare_again, "q", "body"), print_of(bare, "q", "body"));
  // A copy for the next attempt is another message.
  const std::string attempt = color + entry("waybill-attempt", "2");
  again.headers = attempt;
  EXPECT_NE(print_of(again, "q", "body"), first);
  for (auto member : {&Properties::content_type, &Properties::correlation_id, &Properties::message_id,
                      &Properties::expiration, &Properties::type, &Properties::app_id}) {
    Properties other = one;
    other.*member = "x";
    EXPECT_NE(print_of(other, "q", "body"), first);
  }
  EXPECT_NE(print_of(one, "q", "Body"), first);
  EXPECT_NE(print_of(one, "p", "body"), first);
}

TEST(AmqpTakenBack, OfMessagesWithoutAnIdOnlyTheirNumberIsRemembered) {
  Properties properties;
  const Print tick = print_of(properties, "q", "tick");
  properties.message_id = "m-1";
  const Print known = print_of(properties, "q", "tick");
  TakenBack taken_back;
  taken_back.add(1, tick);
  taken_back.add(2, known);
  taken_back.ended(1, Settlement::ack);
  taken_back.ended(2, Settlement::ack);
  EXPECT_FALSE(taken_back.recall(tick)) << "it may be another one that only looks the same";
  EXPECT_EQ(taken_back.times(tick), 1);
  EXPECT_EQ(taken_back.recall(known), Settlement::ack);
  EXPECT_FALSE(taken_back.recall(known));
  taken_back.forget(tick);
  EXPECT_TRUE(taken_back.empty());
}

TEST(AmqpTakenBack, EqualOnesAreAdoptedOneByOne) {
  const Print tick = print_of({}, "q", "tick");
  TakenBack taken_back;
  taken_back.add(1, tick);
  taken_back.add(2, tick);
  EXPECT_TRUE(taken_back.adopt(tick, 11));
  EXPECT_TRUE(taken_back.adopt(tick, 12));
  EXPECT_FALSE(taken_back.adopt(tick, 13)) << "there is one more than were in hand";
  EXPECT_EQ(taken_back.place_of(1), 11u);
  EXPECT_EQ(taken_back.place_of(2), 12u);
  EXPECT_EQ(taken_back.lose_place(12), 2u);
  EXPECT_EQ(taken_back.lose_place(99), 0u);
  EXPECT_TRUE(taken_back.adopt(tick, 21));
  taken_back.ended(1, Settlement::ack);
  taken_back.ended(2, Settlement::ack);
  EXPECT_TRUE(taken_back.empty()) << "both had a place";
}

TEST(AmqpTakenBack, RemembersTheNewestOnly) {
  TakenBack taken_back;
  for (Print print = 2; print <= 2 * 1'025; print += 2) taken_back.remember(print, Settlement::retry);
  EXPECT_EQ(taken_back.times(2), 0);
  EXPECT_EQ(taken_back.times(4), 1);
  EXPECT_EQ(taken_back.times(2 * 1'025), 1);
}

}  // namespace
}  // namespace waybill::amqp
