// Which messages were seen, in every order of events; no message, no clock.
#include "middleware/seen_messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace waybill::test {
namespace {

using namespace std::chrono_literals;
using waybill::detail::SeenMessages;
using waybill::detail::TimePoint;
using Standing = SeenMessages::Standing;

constexpr TimePoint k_begin{1h};

TEST(SeenMessagesTest, ForgetAfterTheirTimeAndBeyondTheirNumber) {
  SeenMessages seen(100ms, 2);
  const auto handle = [&seen](const char* key, TimePoint now) {
    const auto entry = seen.enter(key, now);
    seen.leave(entry.ticket, true, now);
    return entry.standing;
  };
  EXPECT_EQ(handle("a", k_begin), Standing::first);
  EXPECT_EQ(handle("a", k_begin + 99ms), Standing::duplicate);
  EXPECT_EQ(handle("a", k_begin + 100ms), Standing::first) << "a duplicate does not make it be known for longer";
  EXPECT_EQ(handle("b", k_begin + 110ms), Standing::first);
  EXPECT_EQ(handle("c", k_begin + 120ms), Standing::first);
  EXPECT_EQ(seen.remembered(), 2u);
  EXPECT_EQ(handle("a", k_begin + 130ms), Standing::first) << "two are known, and it was the earliest";
}

/// All sequences of six events with two keys, each from the beginning, with what must hold after each event.
class EveryOrderOfMessages {
 public:
  void run() { extend(6); }
  std::uint64_t sequences = 0;
  std::uint64_t duplicates = 0, taken_over = 0;

 private:
  enum class Event { enter_0, enter_1, first_fails, first_succeeds, last_leaves, time_passes };
  static constexpr Event k_events[] = {Event::enter_0,        Event::enter_1,     Event::first_fails,
                                       Event::first_succeeds, Event::last_leaves, Event::time_passes};
  struct Guest {
    SeenMessages::Ticket ticket;
    int key;
    Standing standing;
  };
  struct World {
    SeenMessages seen{50ms, 1};
    TimePoint now = k_begin;
    std::vector<Guest> guests;            // in the order of their coming
    std::map<int, TimePoint> handled_at;  // of each key, the last time
  };
  void extend(std::size_t most) {
    World world;
    for (const Event event : events_) {
      apply(world, event);
      check(world);
      if (testing::Test::HasFatalFailure()) return;
    }
    if (events_.size() == most) {
      ++sequences;
      return;
    }
    const bool has_first = first(world) != world.guests.end();
    for (const Event event : k_events) {
      if ((event == Event::first_fails || event == Event::first_succeeds) && !has_first) continue;
      if (event == Event::last_leaves && world.guests.empty()) continue;
      events_.push_back(event);
      extend(most);
      events_.pop_back();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  static std::vector<Guest>::iterator first(World& world) {
    return std::find_if(world.guests.begin(), world.guests.end(),
                        [](const Guest& guest) { return guest.standing == Standing::first; });
  }
  void apply(World& world, Event event) {
    switch (event) {
      case Event::enter_0: return enter(world, 0);
      case Event::enter_1: return enter(world, 1);
      case Event::first_fails: return leave(world, first(world), false);
      case Event::first_succeeds: return leave(world, first(world), true);
      case Event::last_leaves: return leave(world, world.guests.end() - 1, false);
      case Event::time_passes: world.now += 30ms;
    }
  }
  void check(const World& world) {
    ASSERT_EQ(world.seen.in_hand(), world.guests.size());
    ASSERT_LE(world.seen.remembered(), 1u);
    std::size_t keys = world.seen.remembered();
    for (const int key : {0, 1}) {
      const auto is_of = [key](Standing standing) {
        return [key, standing](const Guest& guest) { return guest.key == key && guest.standing == standing; };
      };
      const auto firsts = std::count_if(world.guests.begin(), world.guests.end(), is_of(Standing::first));
      const auto waiting = std::count_if(world.guests.begin(), world.guests.end(), is_of(Standing::waiting));
      ASSERT_LE(firsts, 1) << "one at a time";
      if (waiting > 0) {
        ASSERT_EQ(firsts, 1) << "it would wait for nobody";
      }
      keys += static_cast<std::size_t>(firsts);
    }
    ASSERT_EQ(world.seen.keys(), keys) << "nothing else is kept";
  }
  void enter(World& world, int key) {
    const auto entry = world.seen.enter(std::to_string(key), world.now);
    const bool is_in_hand = std::any_of(world.guests.begin(), world.guests.end(), [key](const Guest& guest) {
      return guest.key == key && guest.standing != Standing::duplicate;
    });
    if (is_in_hand) {
      ASSERT_EQ(entry.standing, Standing::waiting);
    }
    if (entry.standing == Standing::duplicate) {
      ASSERT_TRUE(world.handled_at.contains(key)) << "it was never handled";
      ASSERT_LT(world.now, world.handled_at.at(key) + 50ms);
      ++duplicates;
    }
    world.guests.push_back({entry.ticket, key, entry.standing});
  }
  void leave(World& world, std::vector<Guest>::iterator which, bool is_handled) {
    const Guest gone = *which;
    world.guests.erase(which);
    const auto told = world.seen.leave(gone.ticket, is_handled, world.now);
    if (is_handled) world.handled_at[gone.key] = world.now;
    std::size_t changed = 0;
    for (Guest& guest : world.guests) {
      const Standing now = world.seen.ask(guest.ticket);
      const bool is_told = std::find(told.begin(), told.end(), guest.ticket) != told.end();
      ASSERT_EQ(now != guest.standing, is_told) << "whose standing changes is told, and nobody else";
      changed += is_told ? 1 : 0;
      if (is_told) {
        ASSERT_EQ(guest.key, gone.key);
        ASSERT_EQ(now, is_handled ? Standing::duplicate : Standing::first);
        taken_over += is_handled ? 0 : 1;
      }
      guest.standing = now;
    }
    ASSERT_EQ(told.size(), changed);
  }
  std::vector<Event> events_;
};

TEST(SeenMessagesInEveryOrder, HandleOneAtATimeAndAgainOnlyWhatFailed) {
  EveryOrderOfMessages every;
  every.run();
  EXPECT_GT(every.sequences, 5'000u);
  EXPECT_GT(every.duplicates, 100u);
  EXPECT_GT(every.taken_over, 100u);
}

}  // namespace
}  // namespace waybill::test
