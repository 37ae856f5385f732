#include "link/sole_thread.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace waybill::detail {
namespace {

TEST(SoleThread, OneThreadMayEnterAgainAndOthersAfterIt) {
  SoleThread place("memory://a");
  {
    const SoleThread::Visit outer(place);
    const SoleThread::Visit inner(place);
  }
  std::thread([&place] { const SoleThread::Visit visit(place); }).join();
  const SoleThread::Visit again(place);
}

#ifndef NDEBUG
TEST(SoleThreadDeathTest, ASecondThreadIsToldToTakeAStrand) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto two_threads = [] {
    SoleThread place("memory://a");
    const SoleThread::Visit first(place);
    std::thread([&place] { const SoleThread::Visit second(place); }).join();
  };
  EXPECT_DEATH(two_threads(), "two threads are in the loop of memory://a.*make_strand");
}
#endif

}  // namespace
}  // namespace waybill::detail
