// Asks what a group has committed, without blocking.
#pragma once

#include "flow/start_rule.hpp"
#include "protocol/handle.hpp"
#include "protocol/queue_watch.hpp"
#include "waybill/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace waybill::kafka {

/// Threads:  all on the executor; one question at a time, a new one takes the place of the one before.
/// Lifetime: close() before the instance is destroyed; after it nothing is called.
class CommittedQuery {
 public:
  using Done = std::function<void(Result<std::vector<CommittedOffset>>)>;

  CommittedQuery(const asio::any_io_executor& executor, rd_kafka_t* instance, std::string group,
                 std::chrono::milliseconds limit);
  ~CommittedQuery() { close(); }

  void ask(const rd_kafka_topic_partition_list_t& partitions, Done done);
  void cancel() noexcept { done_ = nullptr; }
  void close();

 private:
  bool drain();
  void on_result(rd_kafka_event_t* event);

  rd_kafka_t* instance_;
  std::string group_;
  std::chrono::milliseconds limit_;
  std::shared_ptr<QueueWatch> watch_;
  std::uintptr_t question_ = 0;  ///< The number of the one that `done_` waits for.
  Done done_;
};

}  // namespace waybill::kafka
