#include "protocol/background_threads.hpp"

#include <sched.h>

namespace waybill::kafka {
namespace {

/// Where that is forbidden, all goes on as it would.
bool use(int policy) noexcept {
  const sched_param priority{};
  return ::sched_setscheduler(0, policy, &priority) == 0;
}

}  // namespace

BatchThreads::BatchThreads() noexcept : is_changed_(::sched_getscheduler(0) == SCHED_OTHER && use(SCHED_BATCH)) {}

BatchThreads::~BatchThreads() {
  if (is_changed_) use(SCHED_OTHER);
}

}  // namespace waybill::kafka
