#include "background_threads.hpp"

#include <sched.h>

namespace waybill::kafka {
namespace {

constexpr const char* k_name = "waybill";

rd_kafka_resp_err_t on_thread_start(rd_kafka_t*, rd_kafka_thread_type_t, const char*, void*) {
#ifdef SCHED_BATCH
  const sched_param priority{};
  ::sched_setscheduler(0, SCHED_BATCH, &priority);  // where that is forbidden, all goes on as it would
#endif
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t on_new(rd_kafka_t* instance, const rd_kafka_conf_t*, void*, char*, std::size_t) {
  return rd_kafka_interceptor_add_on_thread_start(instance, k_name, on_thread_start, nullptr);
}

}  // namespace

void let_bursts_complete(rd_kafka_conf_t* conf) { rd_kafka_conf_interceptor_add_on_new(conf, k_name, on_new, nullptr); }

}  // namespace waybill::kafka
