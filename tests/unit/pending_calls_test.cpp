// Correlation: ids, waiters, deadlines.
#include "client/pending_calls.hpp"

#include "client/unconfirmed.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <stdexcept>
#include <string>

namespace waybill::detail {
namespace {

constexpr TimePoint k_later = TimePoint(std::chrono::hours(1'000'000));

Packet reply_to(const std::string& id, bool last = true) {
  Packet packet;
  packet.kind = PacketKind::value;
  packet.last = last;
  packet.id = {id, false};
  return packet;
}

TEST(PendingCalls, IdsHaveTheLengthOfNestJsAndNeverRepeat) {
  PendingCalls calls;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const CallKey key = calls.open(k_later);
    const std::string id(calls.id(key).text);
    EXPECT_EQ(id.size(), 21u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
    calls.close(key);
  }
}

TEST(PendingCalls, AReplyIsTakenOnce) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  int told = 0;
  calls.attach(key, [&](const ReplyEvent& event) { told += event.packet ? 1 : 100; });
  EXPECT_EQ(calls.deliver(reply_to(id)), PendingCalls::Delivered::last);
  EXPECT_EQ(calls.deliver(reply_to(id)), PendingCalls::Delivered::nobody);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(calls.size(), 0u);
}

TEST(PendingCalls, AnIdOfAnotherGenerationOfTheSlotFindsNobody) {
  PendingCalls calls;
  const CallKey first = calls.open(k_later);
  const std::string old_id(calls.id(first).text);
  calls.close(first);
  const CallKey second = calls.open(k_later);
  ASSERT_EQ(first.slot, second.slot);
  EXPECT_FALSE(calls.is_open(first));
  EXPECT_EQ(calls.deliver(reply_to(old_id)), PendingCalls::Delivered::nobody);
  EXPECT_TRUE(calls.is_open(second));
}

TEST(PendingCalls, ForgedIdsFindNobody) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  std::string id(calls.id(key).text);
  for (const std::string& forged :
       {std::string(), std::string("x"), std::string(21, 'f'), std::string(21, '\0'), std::string(16, '0') + "00000",
        id + "0", id.substr(1), std::string(20, '0') + "g"}) {
    EXPECT_EQ(calls.deliver(reply_to(forged)), PendingCalls::Delivered::nobody) << forged;
  }
  Packet json = reply_to(id);
  json.id.is_json = true;
  EXPECT_EQ(calls.deliver(json), PendingCalls::Delivered::nobody);
  id[0] = id[0] == '0' ? '1' : '0';
  EXPECT_EQ(calls.deliver(reply_to(id)), PendingCalls::Delivered::nobody);
}

TEST(PendingCalls, RepliesThatComeBeforeTheWaiterAreKeptInOrder) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  calls.deliver(reply_to(id, false));
  ReplyHandler early = [](const ReplyEvent&) { FAIL(); };
  EXPECT_FALSE(calls.attach_quietly(key, early));
  std::string order;
  calls.attach(key, [&](const ReplyEvent& event) { order += event.is_final ? 'E' : 'v'; });
  EXPECT_EQ(order, "v");
  calls.deliver(reply_to(id, false));
  calls.deliver(reply_to(id, true));
  EXPECT_EQ(order, "vvE");
}

TEST(PendingCalls, AWaiterThatComesAfterTheEndIsToldAll) {
  PendingCalls calls;
  const CallKey key = calls.open(TimePoint(std::chrono::seconds(1)));
  const std::string id(calls.id(key).text);
  calls.deliver(reply_to(id, false));
  calls.deliver(reply_to(id, true));
  EXPECT_TRUE(calls.expired(TimePoint(std::chrono::seconds(2))).empty()) << "it ended in time";
  std::string order;
  calls.attach(key, [&](const ReplyEvent& event) { order += event.is_final ? 'E' : 'v'; });
  EXPECT_EQ(order, "vE");
  EXPECT_EQ(calls.size(), 0u);
}

TEST(PendingCalls, DeadlinesExpireInAnyOrder) {
  PendingCalls calls;
  const auto at = [](int s) { return TimePoint(std::chrono::seconds(s)); };
  const CallKey late = calls.open(at(30));
  const CallKey early = calls.open(at(10));
  EXPECT_EQ(calls.earliest(), at(10));
  EXPECT_TRUE(calls.expired(at(9)).empty());
  const std::vector<CallKey> first = calls.expired(at(10));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].slot, early.slot);
  int failures = 0;
  calls.attach(early, [&](const ReplyEvent& event) { failures += event.error->code() == errc::timeout; });
  const Error too_late(errc::timeout, "late");
  calls.tell(early, {nullptr, nullptr, &too_late, true});
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(calls.earliest(), at(30));
  EXPECT_EQ(calls.expired(at(31)).size(), 1u);
  EXPECT_TRUE(calls.is_open(late));
}

TEST(PendingCalls, AWaiterMayOpenCallsWhileItIsTold) {
  PendingCalls calls;
  int told = 0;
  std::function<void()> again = [&] {
    const CallKey key = calls.open(k_later);
    calls.attach(key, [&](const ReplyEvent&) {
      if (++told < 100) again();
    });
  };
  again();
  for (int i = 0; i < 100; ++i) {
    const std::vector<CallKey> open = calls.open_calls();
    ASSERT_EQ(open.size(), 1u);
    const std::string id(calls.id(open[0]).text);
    calls.deliver(reply_to(id));
  }
  EXPECT_EQ(told, 100);
}

TEST(PendingCalls, TicketsNameTheirCallsForEverAlsoWhenGenerationsStartAnew) {
  constexpr std::uint32_t k_last = (1u << PendingCalls::k_generation_bits) - 1;
  PendingCalls calls({}, k_last - 2);
  for (int i = 0; i < 6; ++i) {
    const CallKey key = calls.open(k_later);
    EXPECT_LE(key.generation, k_last);
    for (const Ticket flags : {Ticket{0}, k_failure_only}) {
      const CallKey back = key_of(ticket_of(key) | flags);
      EXPECT_EQ(back.slot, key.slot);
      EXPECT_EQ(back.generation, key.generation);
      EXPECT_TRUE(calls.is_waiting(back)) << "use " << i << ": its confirm would find nobody";
    }
    EXPECT_FALSE(Unconfirmed::is_of(ticket_of(key)));
    EXPECT_EQ(calls.id(key).text.size(), 21u);
    int told = 0;
    calls.attach(key, [&](const ReplyEvent& event) { told += event.accepted != nullptr; });
    const Accepted accepted;
    calls.tell(key_of(ticket_of(key)), {nullptr, &accepted, nullptr, true});
    EXPECT_EQ(told, 1);
  }
}

TEST(PendingCalls, WhatAWaiterThrowsIsHandedOn) {
  int thrown = 0;
  PendingCalls calls([&](std::exception_ptr) { ++thrown; });
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  calls.attach(key, [](const ReplyEvent&) { throw std::runtime_error("a bug"); });
  EXPECT_NO_THROW(calls.deliver(reply_to(id, false)));
  EXPECT_TRUE(calls.is_waiting(key)) << "the reply goes on";
  EXPECT_NO_THROW(calls.deliver(reply_to(id, true)));
  EXPECT_FALSE(calls.is_open(key));
  EXPECT_EQ(thrown, 2);
}

TEST(PendingCalls, WaitingCountsCallsWithoutAnEndOnce) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  CallInfo part;
  part.counts = false;
  const CallKey attempt = calls.open(k_later, part);
  EXPECT_EQ(calls.waiting(), 1u);
  const std::string id(calls.id(key).text);
  EXPECT_EQ(calls.deliver(reply_to(id)), PendingCalls::Delivered::last);
  EXPECT_EQ(calls.waiting(), 0u) << "ended, though nobody has asked yet";
  EXPECT_EQ(calls.deliver(reply_to(id)), PendingCalls::Delivered::nobody) << "ended twice";
  calls.close(key);
  calls.close(attempt);
  EXPECT_EQ(calls.waiting(), 0u);
}

TEST(PendingCalls, WhatNobodyReadsIsBoundedInBytes) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  Packet packet = reply_to(id, false);
  packet.payload = Slice::copy(std::string(16u << 20, 'x'));
  for (int i = 0; i < 8; ++i) calls.deliver(packet);
  EXPECT_TRUE(calls.is_open(key));
  EXPECT_FALSE(calls.is_waiting(key));
}

TEST(PendingCalls, WhatNobodyReadsIsBounded) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  for (int i = 0; i < 5000; ++i) calls.deliver(reply_to(id, false));
  EXPECT_FALSE(calls.is_waiting(key));
  int values = 0;
  bool overloaded = false;
  calls.attach(key, [&](const ReplyEvent& event) {
    if (event.error)
      overloaded = event.error->code() == errc::overloaded;
    else
      ++values;
  });
  EXPECT_EQ(values, 1024);
  EXPECT_TRUE(overloaded);
  EXPECT_EQ(calls.size(), 0u);
}

TEST(PendingCalls, WhatComesWhileEarlierMailIsToldIsToldAfterIt) {
  PendingCalls calls;
  const CallKey key = calls.open(k_later);
  const std::string id(calls.id(key).text);
  calls.deliver(reply_to(id, false));
  calls.deliver(reply_to(id, false));
  std::string order;
  calls.attach(key, [&](const ReplyEvent& event) {
    order += event.is_final ? 'E' : 'v';
    if (order == "v") calls.deliver(reply_to(id, true));
  });
  EXPECT_EQ(order, "vvE");
  EXPECT_EQ(calls.size(), 0u);
}

TEST(PendingCalls, ACallThatIsOneTooManyEndsAsOverloaded) {
  PendingCalls calls;
  for (std::uint32_t i = 0; i < PendingCalls::k_most; ++i) calls.open(k_later);
  const CallKey key = calls.open(k_later);
  EXPECT_FALSE(calls.is_open(key));
  bool overloaded = false;
  calls.attach(key, [&](const ReplyEvent& event) { overloaded = event.error->code() == errc::overloaded; });
  EXPECT_TRUE(overloaded);
}

}  // namespace
}  // namespace waybill::detail
