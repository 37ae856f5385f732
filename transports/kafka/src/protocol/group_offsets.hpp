// The committed offset of a group that has no members, with its metadata: read and written through the admin protocol.
#pragma once

#include "protocol/handle.hpp"
#include "protocol/queue_watch.hpp"
#include "waybill/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace waybill::kafka {

/// Threads:  all on the executor; one operation at a time.
/// Lifetime: close() before the instance is destroyed; after it nothing is called.
class GroupOffsets {
 public:
  struct Committed {
    std::int64_t offset = -1;  ///< Negative: none yet.
    std::string metadata;
  };
  struct Place {
    std::string group;
    std::string topic;
    std::int32_t partition = 0;
  };
  using Done = std::function<void(Result<Committed>)>;

  GroupOffsets(const asio::any_io_executor& executor, rd_kafka_t* instance, Place place,
               std::chrono::milliseconds limit);
  ~GroupOffsets() { close(); }

  void read(Done done);
  void write(const Committed& what, Done done);
  void close();

 private:
  PartitionList make_list() const;
  bool drain();
  void on_result(rd_kafka_event_t* event);

  rd_kafka_t* instance_;
  Place place_;
  std::chrono::milliseconds limit_;
  std::shared_ptr<QueueWatch> watch_;
  Done done_;
};

}  // namespace waybill::kafka
