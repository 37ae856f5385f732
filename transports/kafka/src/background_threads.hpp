// How librdkafka's threads share the processor with ours.
#pragma once

#include "handle.hpp"

namespace waybill::kafka {

/// Has the instance's threads run under SCHED_BATCH (sched(7)): woken by the first record of a burst, they do not take
/// the processor from the thread that is producing the rest of it. Without that, where both share a processor, every burst
/// is sent as one record and a remainder. They still start at once on any processor that is idle.
void let_bursts_complete(rd_kafka_conf_t* conf);

}  // namespace waybill::kafka
