// The checker of the outage tests finds what is planted in its books.
#include "support/ledger.hpp"

#include <gtest/gtest.h>

namespace waybill::test {
namespace {

using std::chrono_literals::operator""ms;
using Numbers = std::vector<std::uint64_t>;

const auto k_start = Ledger::Clock::time_point(std::chrono::hours(1));

/// Ten events, all accepted and handled once.
Ledger sound_books() {
  Ledger ledger;
  for (std::uint64_t event = 0; event < 10; ++event) {
    ledger.attempted(event, k_start + std::chrono::milliseconds(event));
    ledger.ended(event, Ledger::Outcome::accepted);
    ledger.handled(event, false);
  }
  return ledger;
}

TEST(Ledger, FindsNothingInSoundBooks) {
  const auto report = sound_books().report();
  EXPECT_EQ(report.attempted, 10u);
  EXPECT_EQ(report.accepted, 10u);
  EXPECT_EQ(report.handled, 10u);
  for (const auto* list : {&report.lost, &report.lost_outside, &report.unmarked, &report.handled_unasked,
                           &report.endless_events, &report.endless_requests, &report.answered_twice}) {
    EXPECT_TRUE(list->empty());
  }
}

TEST(Ledger, FindsAPlantedLoss) {
  Ledger ledger = sound_books();
  ledger.attempted(77, k_start + 500ms);
  ledger.ended(77, Ledger::Outcome::accepted);
  EXPECT_EQ(ledger.report().lost, Numbers{77});
  EXPECT_EQ(ledger.report().lost_outside, Numbers{77});
}

TEST(Ledger, KnowsWhichLossesLieInsideAnOutage) {
  Ledger ledger = sound_books();
  ledger.outage_began(k_start + 100ms);
  ledger.outage_ended(k_start + 200ms);
  for (const std::uint64_t at : {99u, 100u, 150u, 200u, 201u}) {
    ledger.attempted(at, k_start + std::chrono::milliseconds(at));
    ledger.ended(at, Ledger::Outcome::accepted);
  }
  EXPECT_EQ(ledger.report().lost.size(), 5u);
  EXPECT_EQ(ledger.report().lost_outside, (Numbers{99, 201}));
}

TEST(Ledger, CountsNoLossForWhatWasNotAccepted) {
  Ledger ledger = sound_books();
  ledger.attempted(50, k_start);
  ledger.ended(50, Ledger::Outcome::rejected);
  ledger.attempted(51, k_start);
  ledger.ended(51, Ledger::Outcome::unknown);
  EXPECT_TRUE(ledger.report().lost.empty());
  EXPECT_EQ(ledger.report().rejected, 1u);
  EXPECT_EQ(ledger.report().unknown, 1u);
}

TEST(Ledger, FindsADuplicateThatIsNotMarked) {
  Ledger ledger = sound_books();
  ledger.handled(3, true);
  EXPECT_TRUE(ledger.report().unmarked.empty());
  EXPECT_EQ(ledger.report().repeated, 1u);
  ledger.handled(4, false);
  EXPECT_EQ(ledger.report().unmarked, Numbers{4});
}

TEST(Ledger, FindsWhatWasHandledThoughItWasRejectedOrNeverSent) {
  Ledger ledger = sound_books();
  ledger.attempted(60, k_start);
  ledger.ended(60, Ledger::Outcome::rejected);
  ledger.handled(60, false);
  ledger.handled(61, false);
  EXPECT_EQ(ledger.report().handled_unasked, (Numbers{60, 61}));
}

TEST(Ledger, FindsCallsWithoutAnEndAndWithTwo) {
  Ledger ledger = sound_books();
  ledger.attempted(70, k_start);
  for (std::uint64_t request = 1; request <= 3; ++request) ledger.asked(request);
  ledger.answered(1, true, -100ms);
  ledger.answered(2, true, -50ms);
  ledger.answered(2, false, 30ms);
  const auto report = ledger.report();
  EXPECT_EQ(report.endless_events, Numbers{70});
  EXPECT_EQ(report.endless_requests, Numbers{3});
  EXPECT_EQ(report.answered_twice, Numbers{2});
  EXPECT_EQ(report.values, 2u);
  EXPECT_EQ(report.latest, 30ms);
}

}  // namespace
}  // namespace waybill::test
