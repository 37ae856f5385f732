// How librdkafka's threads share the processor with ours.
#pragma once

namespace waybill::kafka {

/// While it lives, what this thread starts runs under SCHED_BATCH (sched(7)), and so do librdkafka's threads if their
/// instance is made meanwhile: woken by the first record of a burst, they do not take the processor from the thread that
/// is producing the rest of it. Without that, where both share a processor, every burst is sent as one record and a
/// remainder. They still start at once on any processor that is idle. A thread with a policy of its own keeps it.
class BatchThreads {
 public:
  BatchThreads() noexcept;
  ~BatchThreads();
  BatchThreads(const BatchThreads&) = delete;
  BatchThreads& operator=(const BatchThreads&) = delete;

 private:
  bool is_changed_ = false;
};

}  // namespace waybill::kafka
