#include "intake_hold.hpp"

#include <gtest/gtest.h>

namespace waybill::detail {
namespace {

TEST(IntakeHold, PausesWithTheFirstReasonAndResumesWithTheLast) {
  IntakeHold hold;
  EXPECT_FALSE(hold.remove(IntakeHold::retries));
  EXPECT_TRUE(hold.add(IntakeHold::retries));
  EXPECT_FALSE(hold.add(IntakeHold::retries));
  EXPECT_FALSE(hold.add(IntakeHold::parking));
  EXPECT_FALSE(hold.remove(IntakeHold::retries));
  EXPECT_TRUE(hold.is_held());
  EXPECT_TRUE(hold.remove(IntakeHold::parking));
  EXPECT_FALSE(hold.is_held());
}

TEST(IntakeHold, ANewLinkIsNotHeld) {
  IntakeHold hold;
  hold.add(IntakeHold::parking);
  hold.reset();
  EXPECT_FALSE(hold.is_held());
  EXPECT_FALSE(hold.remove(IntakeHold::parking)) << "nobody would resume what was not paused";
}

}  // namespace
}  // namespace waybill::detail
