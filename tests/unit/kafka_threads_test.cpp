// librdkafka's threads leave the processor to a thread of ours that is in the middle of a burst: they inherit a policy.
#include "protocol/background_threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace waybill::kafka {
namespace {

int policy_of_a_new_thread() {
  int policy = -1;
  std::thread([&policy] { policy = ::sched_getscheduler(0); }).join();
  return policy;
}

TEST(KafkaThreads, ThatAreStartedMeanwhileDoNotInterruptABurst) {
  {
    const BatchThreads threads;
    EXPECT_EQ(policy_of_a_new_thread(), SCHED_BATCH);
  }
  EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  EXPECT_EQ(policy_of_a_new_thread(), SCHED_OTHER);
}

TEST(KafkaThreads, KeepAPolicyOfTheirMakersOwn) {
  std::thread([] {
    const sched_param priority{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &priority), 0);
    {
      const BatchThreads threads;
      EXPECT_EQ(::sched_getscheduler(0), SCHED_IDLE);
    }
    EXPECT_EQ(::sched_getscheduler(0), SCHED_IDLE);
  }).join();
}

}  // namespace
}  // namespace waybill::kafka
